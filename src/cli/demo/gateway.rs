//! The gateway as a child of the demonstration: this very program, run as an operator would run it.

use std::{fs::File, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

use super::stage::{self, APPLICATION, CLIENT, PROJECT, Stage};
use crate::kernel::fault::{Code, Fault, Result};

/// How long a start may take.
const START: Duration = Duration::from_secs(30);
/// How long a graceful end may take before it is forced.
const END: Duration = Duration::from_secs(20);
/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// A gateway that runs.
pub struct Gateway {
    child: Child,
    log: String,
}

impl Gateway {
    /// Starts it and comes back when it is ready.
    pub async fn start(stage: &Stage) -> Result<Self> {
        let log = stage.path("gateway.log");
        let file = File::create(&log).map_err(Fault::unavailable)?;
        let mut command = bound(command(stage, &["serve", "--with-worker"])?);
        command.stdout(Stdio::null()).stderr(file);
        let mut gateway = Self {
            child: command.spawn().map_err(Fault::unavailable)?,
            log: log.display().to_string(),
        };
        let ready = timeout(START, gateway.ready(stage)).await;
        ready.unwrap_or_else(|_| Err(gateway.silent("did not get ready")))?;
        Ok(gateway)
    }

    /// Serving and, by its own word, ready.
    async fn ready(&mut self, stage: &Stage) -> Result<()> {
        let url = format!("http://{}/health/ready", stage.health);
        let http = reqwest::Client::builder().no_proxy().build();
        let http = http.map_err(Fault::internal)?;
        loop {
            if self.child.try_wait().map_err(Fault::internal)?.is_some() {
                return Err(self.silent("ended at its start"));
            }
            let answer = http.get(&url).send().await;
            let ready = answer.is_ok_and(|answer| answer.status().is_success());
            if ready && TcpStream::connect(stage.api).await.is_ok() {
                return Ok(());
            }
            sleep(LOOK).await;
        }
    }

    /// Comes back when it has ended by itself, with what to say about it.
    pub async fn ended(&mut self) -> Fault {
        let _ = self.child.wait().await;
        self.silent("ended by itself")
    }

    /// Asks it to stop, and makes sure that it does.
    pub async fn stop(&mut self) {
        let pid = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            // It may have ended in this moment, which is what is wanted.
            let _ = kill_process(pid, Signal::TERM);
        }
        if timeout(END, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }

    fn silent(&self, what: &str) -> Fault {
        let detail = format!("the gateway {what}; its log: {}", self.log);
        Fault::new(Code::Unavailable, detail)
    }
}

/// What the journal keeps of why the client changes.
const WHY: &str = "demonstration";

/// Registers the demonstration's client, or gives it another secret where it is known; keeps the secret in its file.
pub async fn register(stage: &Stage) -> Result<()> {
    run(stage, &["migrate", "--json"]).await?;
    let known = run(stage, &["client", "list", "--json"]).await?;
    let known = known.as_array().into_iter().flatten();
    let said = match known.into_iter().any(|client| client["clientId"] == CLIENT) {
        true => {
            run(
                stage,
                &["client", "rotate", CLIENT, "--reason", WHY, "--json"],
            )
            .await?
        }
        false => {
            let bounds = [
                "--reason",
                WHY,
                "--projects",
                PROJECT,
                "--applications",
                APPLICATION,
                "--json",
            ];
            run(stage, &[&["client", "add", CLIENT][..], &bounds].concat()).await?
        }
    };
    let secret = said["clientSecret"].as_str().unwrap_or_default();
    stage::put_secret(&stage.secret(), secret)
}

/// Runs a command of this program and reads the JSON that it answers.
pub async fn run(stage: &Stage, arguments: &[&str]) -> Result<Value> {
    let running = command(stage, arguments)?.output();
    let output = timeout(COMMAND, running)
        .await
        .map_err(Fault::unavailable)?;
    let output = output.map_err(Fault::unavailable)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let detail = format!("`navette {}` failed: {}", arguments.join(" "), said.trim());
        return Err(Fault::new(Code::Unavailable, detail));
    }
    serde_json::from_slice(&output.stdout).map_err(Fault::internal)
}

/// This program on the stage's settings, and on them alone: `NAVETTE_…` of the caller would change them.
fn command(stage: &Stage, arguments: &[&str]) -> Result<Command> {
    let program = std::env::current_exe().map_err(Fault::internal)?;
    let mut command = Command::new(program);
    for (name, _) in crate::config::environment() {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("NAVETTE_CONFIG", stage.settings())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// Bound to our life by the kernel, so that even a killed demonstration leaves nothing behind; and in a group of its own,
/// for Ctrl-C is ours to pass on.
fn bound(command: Command) -> Command {
    let inner = command.as_std();
    let mut outer = Command::new("setpriv");
    outer.args(["--pdeathsig", "TERM", "--"]);
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    outer
}
