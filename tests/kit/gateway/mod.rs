//! The gateway as people run it: the real binary, a settings folder, free ports, one process to kill and restart.
//!
//! [`Kit::new`] prepares the settings for an engine, [`Kit::start`] runs `navette serve --with-worker` on them.
//! `settings.rs` knows the form of the settings and `commands.rs` that of the commands.

mod commands;
mod database;
mod health;
mod hub;
mod kept;
mod kit;
mod settings;
mod twins;
pub mod workers;

use std::os::unix::process::ExitStatusExt;
use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

pub use commands::{APPLICATION, Credentials, REASON, damage};
pub use kept::Kept;
pub use kit::{Engine, Kit};

use super::{
    client::Client,
    partner::Partner,
    pki::pki,
    process::{self, Fate, Finished},
    wait,
};

/// Seconds for a start or an end on a busy machine.
const PATIENCE: u32 = 60;

/// Seconds for a command: some bring the whole file system to its disk, with what all other tests have written.
const COMMAND: u32 = 180;

/// The project that every kit configures.
pub const PROJECT: &str = "marche-1";

/// A secret shared with the partner, for the published webhook library.
pub const SHARED_SECRET: &str = "whsec_bmF2ZXR0ZS1lc3NhaS1zZWNyZXQtcGFydGFnZS0zMg==";

/// The path of the partner that returns go to.
pub const CALLBACK: &str = "/retours";

/// A gateway that runs, or has been killed and can be started again on the same data.
#[derive(Debug)]
pub struct Gateway {
    kit: Kit,
    child: Option<Child>,
}

impl Gateway {
    fn stopped(kit: Kit) -> Self {
        Self { kit, child: None }
    }

    fn started(kit: Kit) -> Self {
        let mut gateway = Self::stopped(kit);
        gateway.restart();
        gateway
    }

    /// Starts it again with the kit's environment, and comes back when it is ready.
    pub fn restart(&mut self) {
        let environment = self.kit.environment.clone();
        self.restart_with(&environment);
    }

    /// Starts it again with another environment, and comes back when it is ready.
    pub fn restart_with(&mut self, environment: &[(String, String)]) {
        self.launch(environment);
        self.await_ready();
    }

    /// Starts it again and does not wait: it may not live that long.
    pub fn launch(&mut self, environment: &[(String, String)]) {
        let arguments: Vec<&str> = self.kit.arguments.iter().map(String::as_str).collect();
        let mut command = self.command(&arguments);
        command.envs(environment.iter().cloned());
        if let [prefix, options @ ..] = &self.kit.prefix[..] {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            command = process::wrapped(prefix, &options, &command);
        }
        let child = process::start(&command, Fate::Kill, &self.log_file());
        self.child = Some(child.expect("the binary is built"));
    }

    /// Comes back when it is ready.
    pub fn await_ready(&mut self) {
        let deadline = Duration::from_secs(PATIENCE.into());
        wait::until("ready gateway", deadline, || self.ready_or_dead());
    }

    /// Comes back when there is nothing left to do: no job, no journal entry without its number. A test that expects to
    /// leave neither behind ends with this.
    #[track_caller]
    pub fn await_idle(&self) {
        let deadline = Duration::from_secs(PATIENCE.into());
        wait::until("end of all work", deadline, || {
            let left = "SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM journal_pending)";
            (self.count(left) == 0).then_some(())
        });
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended();
    }

    /// Asks it to stop and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits until it has ended, as it does at a failure point.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it was started");
        let deadline = Duration::from_secs(PATIENCE.into());
        wait::until("end of the gateway", deadline, || {
            child.try_wait().expect("it is our child")
        })
    }

    /// The address of a path of the API.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.kit.address.port())
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.kit.address
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().expect("it was started"))
    }

    /// The most memory that it ever held, in kB.
    pub fn peak(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid().as_raw_nonzero());
        let status = fs::read_to_string(path).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.split_whitespace().next());
        let kilobytes = kilobytes.expect("Linux tells it");
        kilobytes.parse().expect("a number")
    }

    /// Status and text of a path of the loopback listener; `None` while nothing answers there.
    pub fn health(&self, path: &str) -> Option<(u16, String)> {
        health::get(self.kit.health, path)
    }

    /// What its metrics tell under a name, with all of these labels (`name="value"`); `None` while they do not tell it.
    pub fn measured(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let (_, text) = self.health("/metrics")?;
        health::labelled(&text, name, labels)
    }

    /// The stand-in that returns go to.
    pub fn partner(&self) -> &Partner {
        &self.kit.partner
    }

    /// The same, for a task of its own.
    pub fn partner_handle(&self) -> Arc<Partner> {
        Arc::clone(&self.kit.partner)
    }

    /// Asks it to stop, and does not wait.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// The folder of settings and data.
    pub fn dir(&self) -> &Path {
        &self.kit.dir
    }

    /// The database's URL, `None` for the embedded one.
    pub fn database(&self) -> Option<&str> {
        self.kit.database.as_deref()
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Runs a command of the binary on the same settings.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        process::run(&self.command(arguments), COMMAND)
    }

    /// Runs a command of the binary that dies at a named failure point.
    #[track_caller]
    pub fn run_until_death(&self, arguments: &[&str], point: &str) {
        let mut command = self.command(arguments);
        command.env("NAVETTE_FAILPOINT", point);
        let ended = process::run(&command, COMMAND);
        // What bounds its time ends in the same way.
        assert_eq!(ended.status.signal(), Some(9), "{point}: {ended:?}");
    }

    /// An application that has its token, with every right on the project.
    pub async fn client(&self) -> Client {
        let credentials = self.register("application", &["pieces:write", "pieces:read"]);
        Client::with_token(self, &pki().client, &credentials).await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.kit.command(arguments)
    }

    fn log_file(&self) -> PathBuf {
        self.kit.dir.join("navette.log")
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let skipped = log.lines().count().saturating_sub(40);
        log.lines().skip(skipped).collect::<Vec<_>>().join("\n")
    }

    fn ready_or_dead(&mut self) -> Option<()> {
        let child = self.child.as_mut().expect("it was started");
        let end = child.try_wait().expect("it is our child");
        assert!(end.is_none(), "the gateway ended: {end:?}");
        let listens = TcpStream::connect(self.kit.address).is_ok();
        let ready = matches!(self.health("/health/ready"), Some((200, _)));
        (listens && ready).then_some(())
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is our child");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the end of the gateway's log ---\n{}", self.log_end());
        }
    }
}
