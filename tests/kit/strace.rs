//! The gateway's system calls: watched from its start ([`watching`]), or made to fail while it runs ([`Sabotage`]).

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    gateway::Gateway,
    process::{self, Fate},
    wait,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// The words before a command that is to be watched: `calls` (separated by commas) of all its threads go to `log`.
pub fn watching(calls: &str, log: &Path) -> Vec<String> {
    let log = log.to_str().expect("scratch paths are text");
    let filter = format!("trace={calls}");
    let options = [
        "-D",
        "-f",
        "--seccomp-bpf",
        "-yy",
        "-s",
        "16384",
        "-o",
        log,
        "-e",
        &filter,
    ];
    let words = ["strace"].into_iter().chain(options);
    words.map(str::to_owned).collect()
}

/// One system call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name, arguments and outcome, as strace writes them.
    pub text: String,
    /// The line on which it began.
    pub start: usize,
    /// The line on which it ended.
    pub end: usize,
}

impl Call {
    /// Whether it is one of `names` and its text has `part`.
    pub fn is(&self, names: &[&str], part: &str) -> bool {
        let (name, _) = self.text.split_once('(').unwrap_or_default();
        names.contains(&name) && self.text.contains(part)
    }
}

/// Reads a log; calls that were interrupted by others are put together again.
pub fn read(log: &Path) -> Vec<Call> {
    calls(&fs::read_to_string(log).expect("strace wrote it"))
}

fn calls(text: &str) -> Vec<Call> {
    let (mut calls, mut open) = (Vec::new(), HashMap::new());
    for (number, line) in text.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            // The space is strace's, not the call's.
            open.insert(thread, (begun.trim_end().to_owned(), number));
        } else if let Some((_, ended)) = rest.split_once(" resumed>") {
            if let Some((begun, start)) = open.remove(thread) {
                calls.push(call(begun + ended, start, number));
            }
        } else {
            calls.push(call(rest.to_owned(), number, number));
        }
    }
    calls
}

fn call(text: String, start: usize, end: usize) -> Call {
    Call { text, start, end }
}

/// A running gateway some of whose system calls fail.
#[derive(Debug)]
pub struct Sabotage {
    tracer: Child,
    log: PathBuf,
}

impl Sabotage {
    /// Makes `calls` fail with `error` in all threads; `when` is strace's, counted in each thread, such as `2`.
    pub fn of_process(gateway: &Gateway, error: &str, calls: &str, when: &str) -> Self {
        let process = gateway.pid();
        let threads = || threads(process).into_iter().map(|(id, _)| id).collect();
        Self::attach(gateway, &["-f"], process, (error, calls, when), threads)
    }

    /// Makes every one of `calls` fail with EIO in the thread of that name.
    pub fn of_thread(gateway: &Gateway, name: &str, calls: &str) -> Self {
        let all = threads(gateway.pid());
        let found = all.into_iter().find(|(_, known)| known == name);
        let (thread, _) = found.expect("the thread runs");
        let target = Pid::from_raw(thread).expect("an id");
        Self::attach(gateway, &[], target, ("EIO", calls, "1+"), || vec![thread])
    }

    fn attach(
        gateway: &Gateway,
        options: &[&str],
        target: Pid,
        (error, calls, when): (&str, &str, &str),
        threads: impl Fn() -> Vec<i32>,
    ) -> Self {
        let log = gateway.dir().join("strace.log");
        let mut strace = Command::new("strace");
        strace
            .args(options)
            .args(["-y", "-e", &format!("trace={calls}"), "-o"])
            .arg(&log)
            .args(["-e", &format!("inject={calls}:error={error}:when={when}")])
            .args(["-p", &target.as_raw_nonzero().to_string()]);
        let said = gateway.dir().join("strace.said");
        let tracer = process::start(&strace, Fate::Terminate, &said).expect("strace is there");
        wait::until("tracer", PATIENCE, || {
            threads().into_iter().all(is_traced).then_some(())
        });
        Self { tracer, log }
    }

    /// Lets the calls succeed again; gives those that were made to fail.
    pub fn end(mut self) -> Vec<Call> {
        self.detach();
        let calls = read(&self.log).into_iter();
        calls
            .filter(|call| call.text.contains("(INJECTED)"))
            .collect()
    }

    fn detach(&mut self) {
        let _ = kill_process(Pid::from_child(&self.tracer), Signal::TERM);
        let _ = self.tracer.wait();
    }
}

impl Drop for Sabotage {
    fn drop(&mut self) {
        self.detach();
    }
}

/// Ids and names of a process's threads.
fn threads(process: Pid) -> Vec<(i32, String)> {
    let folder = format!("/proc/{}/task", process.as_raw_nonzero());
    let tasks = fs::read_dir(folder).expect("it runs").flatten();
    let named = tasks.filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let id = task.file_name().to_str()?.parse().ok()?;
        Some((id, name.trim_end().to_owned()))
    });
    named.collect()
}

fn is_traced(thread: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as strace 6.1 writes them.
    #[test]
    fn a_call_that_another_interrupts_reads_like_one_that_none_does() {
        let log = "7 fsync(3</blobs/13> <unfinished ...>\n\
            8 write(4<TCP:[a->b]>, \"Q\", 1) = 1\n\
            7 <... fsync resumed>) = 0\n\
            7 fsync(3</blobs/13>) = 0\n";
        let calls = calls(log);
        let texts: Vec<_> = calls.iter().map(|call| call.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                r#"write(4<TCP:[a->b]>, "Q", 1) = 1"#,
                "fsync(3</blobs/13>) = 0",
                "fsync(3</blobs/13>) = 0"
            ]
        );
        assert_eq!((calls[1].start, calls[1].end), (0, 2));
    }
}
