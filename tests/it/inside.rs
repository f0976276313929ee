//! The house composed by a test: for what no public door shows, such as two workers that meet on one job.

use navette::{
    app::{self, House},
    config,
    kernel::{clock::Clock, entropy::Entropy},
    storage::{Access, Store, migrate},
};

use crate::kit::{
    gateway::{Engine, Gateway},
    postgres, scratch,
};

/// The house of a gateway's settings, beside the gateway's own process.
pub async fn house(gateway: &Gateway) -> House {
    let settings = gateway.dir().join("navette.toml");
    let config = config::load(&settings, &Default::default()).unwrap();
    House::open(config).await.unwrap()
}

/// The lines to the depots of a house.
pub fn lines(house: &House) -> navette::domain::archives::Lines {
    navette::domain::archives::Lines::new(&house.ctx.config.depots, &house.ctx.clock)
}

/// The database of a gateway's settings.
pub fn store(gateway: &Gateway) -> Store {
    let settings = gateway.dir().join("navette.toml");
    let config = config::load(&settings, &Default::default()).unwrap();
    app::open_store(&config.gateway, Access::Full).unwrap()
}

/// Where a new database is: as many stores as a test wants may be opened on it.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file of its own.
    Sqlite(std::path::PathBuf),
    /// A database of its own on the server of this process.
    Postgres(String),
}

impl Place {
    /// An empty one.
    pub fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite(scratch::fresh("store").join("navette.db")),
            Engine::Postgres => Self::Postgres(postgres::fresh_database()),
        }
    }

    /// Opens it, as a process would.
    pub fn open(&self) -> navette::kernel::fault::Result<Store> {
        match self {
            Self::Sqlite(path) => Store::sqlite(path, 2, Access::Full),
            Self::Postgres(url) => Store::postgres(url, None, 4, Access::Full),
        }
    }

    /// Opens it with today's schema.
    pub async fn migrated(&self) -> Store {
        let store = self.open().unwrap();
        migrate::migrate(&store, &Clock::system()).await.unwrap();
        store
    }
}

/// A new id.
pub fn id() -> uuid::Uuid {
    Entropy::system().uuid(&Clock::system()).unwrap()
}

/// What the machine's clock shows.
pub fn now() -> jiff::Timestamp {
    Clock::system().now()
}

/// Makes of each test two, `SENTENCE::sqlite` and `SENTENCE::postgres`; the argument is a [`Place`].
#[macro_export]
macro_rules! both_stores {
    ($(async fn $name:ident($place:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn test($place: $crate::inside::Place) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test($crate::inside::Place::new($crate::kit::gateway::Engine::Sqlite)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test($crate::inside::Place::new($crate::kit::gateway::Engine::Postgres)).await;
            }
        }
    )+};
}
