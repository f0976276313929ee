//! Child processes that cannot outlast their use: a command with a deadline, a server that dies with us.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{LazyLock, Mutex, mpsc},
    thread,
};

/// What a finished command left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its output as text.
    pub stdout: String,
    /// Its error output as text.
    pub stderr: String,
}

impl Finished {
    /// The output of a command that must have succeeded.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(
            self.status.success(),
            "{}\n{}\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self.stdout
    }

    /// The error output of a command that must have ended with `code`.
    #[track_caller]
    pub fn failed_with(self, code: i32) -> String {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}\n{}",
            self.stdout,
            self.stderr
        );
        self.stderr
    }
}

/// Runs a command to its end, or kills it after `seconds`.
pub fn run(command: &Command, seconds: u32) -> Finished {
    let mut bounded = wrapped(
        "timeout",
        &["--kill-after=1", &seconds.to_string()],
        command,
    );
    let child = bounded
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("coreutils are there");
    let output = child.wait_with_output().expect("its output can be read");
    Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The signal that the kernel sends to a server when this process ends, however it ends.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// `SIGKILL`: for a server whose own children watch it.
    Kill,
    /// `SIGTERM`: for a server that has to take its children along.
    Terminate,
}

/// Starts a server that does not outlive this process; what it says is added to the file `log`.
///
/// The kernel watches the *thread* that starts it, and a test's thread ends with the test; hence a thread of its own.
pub fn start(command: &Command, fate: Fate, log: &Path) -> io::Result<Child> {
    let signal = match fate {
        Fate::Kill => "KILL",
        Fate::Terminate => "TERM",
    };
    let log = File::options().append(true).create(true).open(log)?;
    let mut bound = wrapped("setpriv", &["--pdeathsig", signal, "--"], command);
    bound
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let (reply, answer) = mpsc::channel();
    LAUNCHER
        .lock()
        .expect("no launch panics")
        .send((bound, reply))
        .expect("the launching thread never ends");
    answer.recv().expect("every launch is answered")
}

type Launch = (Command, mpsc::Sender<io::Result<Child>>);

static LAUNCHER: LazyLock<Mutex<mpsc::Sender<Launch>>> = LazyLock::new(|| {
    let (orders, queue) = mpsc::channel::<Launch>();
    thread::spawn(move || {
        for (mut command, reply) in queue {
            // Whoever asked may be gone: then the child is dropped, and dies with us all the same.
            let _ = reply.send(command.spawn());
        }
    });
    Mutex::new(orders)
});

/// The same command behind a prefix that runs it (`timeout 5 …`), its streams not yet set.
pub fn wrapped(prefix: &str, options: &[&str], inner: &Command) -> Command {
    let mut outer = Command::new(prefix);
    outer
        .args(options)
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(directory) = inner.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}
