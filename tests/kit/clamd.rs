//! A real clamd whose only signature is EICAR's, in a process of its own; and an impostor that answers what no clamd would.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use data_encoding::HEXLOWER;

use super::{
    gateway::Kit,
    ports,
    process::{self, Fate},
    scratch, wait,
};

const STARTED: Duration = Duration::from_secs(60);

/// The name under which a clamd without signed databases reports its one signature.
pub const SIGNATURE: &str = "Eicar-Test.UNOFFICIAL";

/// EICAR's test text, put together here so that no antivirus takes these sources for it.
pub fn eicar() -> String {
    [
        r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR",
        "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    ]
    .concat()
}

/// A clamd that runs, or is to be started; killed when dropped.
#[derive(Debug)]
pub struct Clamd {
    dir: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Clamd {
    /// Starts one.
    pub fn start() -> Self {
        let mut clamd = Self::absent();
        clamd.appear();
        clamd
    }

    /// One that does not run yet; its addresses are known.
    pub fn absent() -> Self {
        let dir = scratch::fresh("clamd");
        let database = dir.join("database");
        fs::create_dir(&database).expect("the scratch directory is writable");
        let signature = format!("Eicar-Test:0:*:{}\n", HEXLOWER.encode(eicar().as_bytes()));
        fs::write(database.join("eicar.ndb"), signature).expect("so is its folder");
        Self {
            dir,
            port: ports::free(),
            child: None,
        }
    }

    /// Starts it with limits above every content of the gateway, and comes back when it answers.
    pub fn appear(&mut self) {
        self.appear_with("StreamMaxLength 25M\nMaxFileSize 25M\nMaxScanSize 100M\n");
    }

    /// Starts it with limits of the test's choice.
    pub fn appear_with(&mut self, limits: &str) {
        let settings = format!(
            "Foreground yes\nDatabaseDirectory {}\nTCPSocket {}\nTCPAddr 127.0.0.1\nLocalSocket {}\n\
             AlertExceedsMax yes\nAlertEncrypted yes\nMaxThreads 8\n{limits}",
            self.dir.join("database").display(),
            self.port,
            self.socket().display(),
        );
        let file = self.dir.join("clamd.conf");
        fs::write(&file, settings).expect("the scratch directory is writable");
        let mut command = Command::new("/usr/sbin/clamd");
        command.arg(format!("--config-file={}", file.display()));
        let child = process::start(&command, Fate::Kill, &self.dir.join("clamd.log"));
        self.child = Some(child.expect("clamav-daemon is installed"));
        wait::until("clamd", STARTED, || self.answers().then_some(()));
    }

    /// Kills it.
    pub fn vanish(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The kit whose project demands a scan by this clamd.
    pub fn looking(&self, kit: Kit) -> Kit {
        demanding(kit, &format!("tcp:localhost:{}", self.port))
    }

    /// The same over its socket.
    pub fn looking_by_socket(&self, kit: Kit) -> Kit {
        demanding(kit, &format!("unix:{}", self.socket().display()))
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
            && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        self.vanish();
    }
}

fn demanding(kit: Kit, address: &str) -> Kit {
    kit.set("antivirus.address", format!("{address:?}"))
        .set_project("antivirus", "\"required\"")
}

/// Something that greets like clamd and answers every scan with bytes of the test's choice; nothing: it keeps silent until it has
/// some.
#[derive(Debug)]
pub struct Impostor {
    port: u16,
    mood: Arc<Mood>,
}

/// What an impostor answers, and to how many scans it owes that.
#[derive(Debug, Default)]
struct Mood {
    answer: Mutex<Option<Vec<u8>>>,
    told: Condvar,
    asked: AtomicUsize,
}

impl Impostor {
    /// Starts one.
    pub fn start(answer: Option<&[u8]>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mood = Mood {
            answer: Mutex::new(answer.map(<[u8]>::to_vec)),
            ..Mood::default()
        };
        let impostor = Self {
            port: listener.local_addr().expect("it is bound").port(),
            mood: Arc::new(mood),
        };
        let mood = Arc::clone(&impostor.mood);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mood = Arc::clone(&mood);
                std::thread::spawn(move || serve(stream, &mood));
            }
        });
        impostor
    }

    /// Has it answer otherwise from now on.
    pub fn answer(&self, answer: &[u8]) {
        *lock(&self.mood.answer) = Some(answer.to_vec());
        self.mood.told.notify_all();
    }

    /// How many scans it was asked for.
    pub fn asked(&self) -> usize {
        self.mood.asked.load(Ordering::SeqCst)
    }

    /// The kit whose project demands a scan by it, within two seconds.
    pub fn looking(&self, kit: Kit) -> Kit {
        demanding(kit, &format!("tcp:127.0.0.1:{}", self.port)).set("antivirus.timeout_seconds", 2)
    }
}

/// One connection: a greeting, or a scan read to its end.
fn serve(mut stream: TcpStream, mood: &Mood) {
    let mut word = [0; 6];
    if stream.read_exact(&mut word).is_err() {
        return;
    }
    if &word == b"zPING\0" {
        let _ = stream.write_all(b"PONG\0");
        return;
    }
    if drain(&mut stream).is_none() {
        return;
    }
    mood.asked.fetch_add(1, Ordering::SeqCst);
    let said = mood
        .told
        .wait_while(lock(&mood.answer), |said| said.is_none());
    let said = said.unwrap_or_else(PoisonError::into_inner).clone();
    // The other end may have had enough meanwhile.
    let _ = stream.write_all(&said.expect("it was waited for"));
}

/// Reads the rest of the command and every chunk.
fn drain(stream: &mut TcpStream) -> Option<()> {
    let mut rest = [0; 4];
    stream.read_exact(&mut rest).ok()?;
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).ok()?;
        let length = u32::from_be_bytes(length);
        if length == 0 {
            return Some(());
        }
        let mut chunk = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut chunk).ok()?;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
