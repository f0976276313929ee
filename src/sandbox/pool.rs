//! The children that wait, and the way of one inspection.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{
    SUBCOMMAND,
    protocol::Confinement,
    spawner::Spawner,
    warm::{Death, Warm},
};
use crate::{
    domain::processing::{Document, Inspection, Limit, Sandbox},
    kernel::fault::{Fault, Result},
};

/// How many children a document may be put to, when others kill them.
const TRIES: u32 = 2;

/// How often a child is started before the sandbox counts as away.
const STARTS: u32 = 5;

/// The pause after the first start that failed; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a child may take to say that it is ready.
const GREETING: Duration = Duration::from_secs(10);

/// How children are started and what they may use.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program: this one's own path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How many children work at once; at least 1.
    pub children: usize,
    /// The address space of each, in bytes. The program itself takes some 20 MB of it.
    pub memory_bytes: u64,
    /// How long one document may take: on the processor, and on the clock as far as the child gets a processor.
    pub deadline: Duration,
    /// After how many documents a child is replaced; at least 1.
    pub documents_per_child: u32,
}

impl Settings {
    /// The defaults: two children, 512 MB each, 10 s a document, 1,000 documents a child.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            arguments: vec![SUBCOMMAND.into()],
            children: 2,
            memory_bytes: 512 << 20,
            deadline: Duration::from_secs(10),
            documents_per_child: 1_000,
        }
    }

    fn confinement(&self) -> Confinement {
        Confinement {
            memory_bytes: self.memory_bytes,
            cpu_seconds: self.deadline.as_secs().max(1),
            // Decoders hold their output, sometimes twice, beside the document and the program.
            decoded_bytes: self.memory_bytes / 4,
        }
    }
}

/// A cheap handle on the children. They die with its last clone.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    seats: Semaphore,
    idle: Mutex<Vec<Warm>>,
    spawner: Spawner,
}

impl Pool {
    /// Starts all children, so that settings which cannot work are told at once. Call it inside the runtime.
    /// Fails with code `unavailable` where no child gets ready.
    pub async fn start(settings: Settings) -> Result<Self> {
        let children = settings.children.max(1);
        let shared = Shared {
            seats: Semaphore::new(children),
            idle: Mutex::default(),
            spawner: Spawner::start(settings.clone()).map_err(Fault::internal)?,
            settings,
        };
        for _ in 0..children {
            let child = shared.fresh().await?;
            shared.leave(child);
        }
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The process ids of the children that wait at this moment.
    pub fn idle_process_ids(&self) -> Vec<u32> {
        let idle = self.shared.idle();
        idle.iter().filter_map(Warm::process_id).collect()
    }
}

impl Sandbox for Pool {
    fn inspect<'a>(
        &'a self,
        inspector: &'a str,
        document: &'a Document,
    ) -> BoxFuture<'a, Result<Inspection>> {
        Box::pin(self.shared.inspect(inspector, document))
    }
}

impl Shared {
    /// The seat is given back however this ends; a child in mid-document is killed when this is dropped.
    async fn inspect(&self, inspector: &str, document: &Document) -> Result<Inspection> {
        let _seat = self.seats.acquire().await.map_err(Fault::internal)?;
        for _ in 0..TRIES {
            match self.attempt(inspector, document).await? {
                Ok(inspection) => return Ok(inspection),
                Err(Death::OutOfTime) => return Ok(Inspection::Exceeded(Limit::Time)),
                Err(Death::Overpowered) => return Ok(Inspection::Exceeded(Limit::Memory)),
                Err(Death::Killed) => tracing::warn!("an inspection child was killed from outside"),
            }
        }
        Ok(Inspection::Exceeded(Limit::Memory))
    }

    async fn attempt(
        &self,
        inspector: &str,
        document: &Document,
    ) -> Result<std::result::Result<Inspection, Death>> {
        let mut child = self.take().await?;
        let answer = child.ask(inspector, document).await?;
        if answer.is_ok() && child.served < self.settings.documents_per_child {
            self.leave(child);
        }
        Ok(answer)
    }

    /// An idle child that still runs, or a fresh one.
    async fn take(&self) -> Result<Warm> {
        while let Some(mut child) = self.waiting() {
            if child.is_alive() {
                return Ok(child);
            }
        }
        self.fresh().await
    }

    fn waiting(&self) -> Option<Warm> {
        self.idle().pop()
    }

    fn leave(&self, child: Warm) {
        self.idle().push(child);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Warm>> {
        // No code runs under this lock that could leave it half done.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fresh(&self) -> Result<Warm> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..STARTS {
            match self.start().await {
                Ok(child) => return Ok(child),
                Err(error) => tracing::warn!(%error, "an inspection child did not start"),
            }
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        self.start().await.map_err(Fault::unavailable)
    }

    async fn start(&self) -> io::Result<Warm> {
        let process = self.spawner.spawn().await?;
        let settings = &self.settings;
        let greeting = Warm::greet(process, settings.confinement(), settings.deadline);
        timeout(GREETING, greeting).await?
    }
}
