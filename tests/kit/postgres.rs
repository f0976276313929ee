//! A real PostgreSQL: one server per test process, one database per test, durable as in production.
//!
//! [`fresh_database`] is what most tests want. A test that takes the database away starts a [`Server`] of its own.
//! PostgreSQL refuses to run as root, so a root process runs it as user `postgres`.

mod session;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    pki::Identity,
    ports,
    process::{self, Finished},
    scratch, wait,
};
pub use session::ask as run;

/// Seconds for `initdb`, a start or a stop, on a machine that is busy with other tests.
const PATIENCE: u32 = 120;

static SHARED: LazyLock<Server> = LazyLock::new(Server::start_new);

/// The URL of a new empty database on the server of this process.
pub fn fresh_database() -> String {
    SHARED.fresh_database()
}

/// A PostgreSQL server on a loopback port.
#[derive(Debug)]
pub struct Server {
    dir: PathBuf,
    port: u16,
    user: Option<(u32, u32)>,
    databases: AtomicU32,
}

impl Server {
    /// Makes a cluster and starts it.
    pub fn start_new() -> Self {
        Self::start_in(scratch::fresh("postgres"))
    }

    /// The same in a folder of the test's own, on a disk that it takes away.
    pub fn start_in(dir: PathBuf) -> Self {
        let server = Self {
            dir,
            port: ports::free(),
            user: unprivileged(),
            databases: AtomicU32::new(0),
        };
        server.give_away();
        server.initialise();
        server.start();
        server
    }

    /// The URL of a new empty database.
    pub fn fresh_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("navette_{number}");
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The same, its tables in another folder, which must be empty.
    pub fn fresh_database_in(&self, folder: &Path) -> String {
        self.own(folder);
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("navette_{number}");
        let place = folder.display();
        self.sql(
            "postgres",
            &format!("CREATE TABLESPACE {name} LOCATION '{place}'"),
        );
        self.sql(
            "postgres",
            &format!("CREATE DATABASE {name} TABLESPACE {name}"),
        );
        self.url(&name)
    }

    /// Where its cluster and its log are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs statements in a database and gives the rows, one a line, columns separated by `|`.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        run(&self.url(database), statements)
    }

    /// Starts it again after [`Server::stop`], and comes back when it takes connections.
    pub fn start(&self) {
        let log = self.dir.join("log");
        let log = log.to_str().expect("scratch paths are text");
        let outcome = self.control(&["-w", "-t", "60", "-l", log, "start"]);
        let said = fs::read_to_string(log).unwrap_or_default();
        assert!(outcome.status.success(), "{}\n{said}", outcome.stderr);
    }

    /// Takes it down as a crash of the machine would: no connection is told.
    pub fn stop(&self) {
        self.control(&["-w", "-m", "immediate", "stop"]).succeeded();
    }

    /// Starts it on what a power cut has left: no process is there, whatever its files say.
    pub fn start_after_a_cut(&self) {
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        self.start();
    }

    /// Has it take connections over TLS too, under that certificate.
    pub fn speak_tls(&self, identity: &Identity) {
        let files = [
            ("server.crt", &identity.certificate),
            ("server.key", &identity.key),
        ];
        for (name, from) in files {
            let file = self.data().join(name);
            fs::copy(from, &file).expect("the scratch directory is writable");
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&file, private).expect("it is ours");
            self.own(&file);
        }
        self.sql("postgres", "ALTER SYSTEM SET ssl = on");
        self.sql("postgres", "SELECT pg_reload_conf()");
        wait::until("TLS", Duration::from_secs(PATIENCE.into()), || {
            (self.sql("postgres", "SHOW ssl") == "on").then_some(())
        });
    }

    /// Sends a signal to each of its processes.
    pub fn signal(&self, signal: Signal) {
        let file = self.data().join("postmaster.pid");
        let text = fs::read_to_string(file).expect("it runs");
        let first = text.lines().next().and_then(|line| line.parse().ok());
        let first: i32 = first.expect("its first line is its id");
        for id in children(first).into_iter().chain([first]) {
            // A child may have ended meanwhile.
            let _ = kill_process(Pid::from_raw(id).expect("an id"), signal);
        }
    }

    fn url(&self, database: &str) -> String {
        let server = format!("postgres://postgres@127.0.0.1:{}", self.port);
        // Nothing is asked of a TLS that the server has not: each program that we start would read all authorities first.
        format!("{server}/{database}?sslmode=disable")
    }

    fn initialise(&self) {
        let mut initdb = self.tool("initdb");
        initdb
            .arg("-D")
            .arg(self.data())
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync"]);
        process::run(&self.as_user(initdb), PATIENCE).succeeded();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nmax_connections = 400\n",
            self.port
        );
        append(&self.data().join("postgresql.conf"), &settings).expect("initdb wrote it");
    }

    fn control(&self, arguments: &[&str]) -> Finished {
        let mut pg_ctl = self.tool("pg_ctl");
        pg_ctl.arg("-s").arg("-D").arg(self.data()).args(arguments);
        process::run(&self.as_user(pg_ctl), PATIENCE)
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(binary(name));
        command.current_dir(&self.dir);
        command
    }

    fn as_user(&self, command: Command) -> Command {
        let Some((user, group)) = self.user else {
            return command;
        };
        let mut demoted = Command::new("setpriv");
        demoted
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"))
            .args(["--clear-groups", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(&self.dir);
        demoted
    }

    fn give_away(&self) {
        self.own(&self.dir);
    }

    /// Makes a folder the server's.
    fn own(&self, folder: &Path) {
        if let Some((user, group)) = self.user {
            std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("we are root");
        }
    }
}

impl Drop for Server {
    /// A private instance goes with its test; the shared one is never dropped and goes with the scratch directory.
    fn drop(&mut self) {
        let _ = self.control(&["-m", "immediate", "stop"]);
    }
}

/// The processes whose parent is `parent`.
fn children(parent: i32) -> Vec<i32> {
    let all = fs::read_dir("/proc").expect("Linux tells").flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &i32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let behind_name = stat.rsplit_once(')').map(|(_, rest)| rest);
        let above = behind_name.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        above == Some(parent)
    })
    .collect()
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let before = fs::read_to_string(path)?;
    fs::write(path, before + text)
}

/// From where Debian keeps the newest server's programs, else from `PATH`, where Debian puts wrappers of them.
fn binary(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = debian();
    places.extend(std::env::split_paths(&path));
    places
        .into_iter()
        .map(|place| place.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: install Debian's package postgresql"))
}

fn debian() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut places: Vec<PathBuf> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    places.sort_unstable_by(|left, right| right.cmp(left));
    places
}

/// User and group of `postgres`, when we are root.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("there are accounts");
    let fields: Vec<&str> = accounts
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .expect("Debian's package postgresql makes the user")
        .split(':')
        .collect();
    Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
}
