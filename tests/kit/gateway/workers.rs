//! Workers in processes of their own, beside a gateway that only serves ([`Kit::without_worker`](super::Kit)).

use std::{net::SocketAddr, process::Child, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use super::{Gateway, PATIENCE, health};
use crate::kit::{
    ports,
    process::{self, Fate},
    wait,
};

/// A running `navette worker`; killed when dropped.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    health: SocketAddr,
}

impl Gateway {
    /// Starts a worker on the same settings, with more environment variables, and comes back when it is ready.
    pub fn start_worker(&self, environment: &[(&str, &str)]) -> WorkerProcess {
        let health = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        let mut command = self.command(&["worker"]);
        command
            .env("NAVETTE_HEALTH__WORKER_ADDRESS", health.to_string())
            .envs(environment.iter().copied());
        let child = process::start(&command, Fate::Kill, &self.log_file());
        let child = child.expect("the binary is built");
        wait::until("ready worker", Duration::from_secs(PATIENCE.into()), || {
            matches!(health::get(health, "/health/ready"), Some((200, _))).then_some(())
        });
        WorkerProcess { child, health }
    }
}

impl WorkerProcess {
    /// Asks it to stop and waits for its end.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// The process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("an id of a process")
    }

    /// Waits until it has ended, as it does at a failure point.
    pub fn ended(&mut self) -> std::process::ExitStatus {
        wait::until(
            "end of the worker",
            Duration::from_secs(PATIENCE.into()),
            || self.child.try_wait().expect("it is our child"),
        )
    }

    /// The most that it ever held, in kB.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.split_whitespace().next());
        kilobytes
            .expect("a kernel tells it")
            .parse()
            .expect("a number")
    }

    /// A metric's value, summed over its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = health::get(self.health, "/metrics").expect("the worker runs");
        health::metric(&text, name)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our child");
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
