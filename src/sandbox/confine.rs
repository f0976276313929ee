//! What a child takes away from itself. Everything that the parent could not take at its start.

use std::{fs, io, os::fd::RawFd};

use rustix::{
    process::{Resource, Rlimit, Signal, getrlimit, setpriority_process, setrlimit},
    thread::set_no_new_privs,
    time::{ClockId, clock_gettime},
};

use super::protocol::Confinement;

/// Lower priority than the serving half, where the policy of idle processes is refused; that of the worker beside it.
const NICE: i32 = 19;

const DESCRIPTORS: &str = "/proc/self/fd";

/// The first thing in a child: it dies with its parent, keeps nothing that it inherited, and gains nothing.
pub(super) fn first() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    set_no_new_privs(true)?;
    close_inherited();
    // Both are kindness to the machine, not protection: a system that refuses them is no reason to refuse documents.
    let _ = setpriority_process(None, NICE);
    run_when_idle();
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// The last thing before the first document. Afterwards no file can be opened.
pub(super) fn limit(confinement: Confinement) -> io::Result<()> {
    let both = |value| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(Resource::As, both(confinement.memory_bytes))?;
    setrlimit(Resource::Core, both(0))?;
    setrlimit(Resource::Fsize, both(0))?;
    setrlimit(Resource::Nproc, both(0))?;
    setrlimit(Resource::Nofile, both(3))?;
    Ok(())
}

/// Gives the next document its processor time: what was used so far, and `seconds` more.
pub(super) fn meter(seconds: u64) -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let until = u64::try_from(used).unwrap_or(0).saturating_add(seconds + 1);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = maximum.map_or(until, |maximum| maximum.min(until));
    setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(current),
            maximum,
        },
    )?;
    Ok(())
}

/// Takes only processor time that nobody else wants. Niceness alone does not do: a thread that wakes up to serve would wait
/// for the rest of a nice process's slice, some milliseconds each time. A child that comes to wait is waited for.
fn run_when_idle() {
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads the structure, and keeps nothing of it; 0 is this process.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none) };
}

/// Closes what a library of the parent, or the parent's own parent, left open across `exec`.
fn close_inherited() {
    for descriptor in inherited() {
        // SAFETY: this runs first in the process, before anything of it opened a descriptor, so nobody owns these numbers.
        unsafe { rustix::io::close(descriptor) };
    }
}

fn inherited() -> Vec<RawFd> {
    let Ok(entries) = fs::read_dir(DESCRIPTORS) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbers = names.filter_map(|name| name.parse::<RawFd>().ok());
    let numbers: Vec<_> = numbers.filter(|number| *number > 2).collect();
    // The descriptor that listed them is among them, and closed by now.
    let open = |number: &RawFd| fs::symlink_metadata(format!("{DESCRIPTORS}/{number}")).is_ok();
    numbers.into_iter().filter(open).collect()
}
