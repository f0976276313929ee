//! What a child takes away from itself. Everything that the parent could not take at its start.

use std::{fs, io, os::fd::RawFd};

use rustix::{
    process::{Resource, Rlimit, Signal, getrlimit, setpriority_process, setrlimit},
    thread::set_no_new_privs,
    time::{ClockId, clock_gettime},
};

use super::protocol::Confinement;

/// Lower priority than the serving half; the same as the worker that shares a process with it.
const NICE: i32 = 10;

const DESCRIPTORS: &str = "/proc/self/fd";

/// The first thing in a child: it dies with its parent, keeps nothing that it inherited, and gains nothing.
pub(super) fn first() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    set_no_new_privs(true)?;
    close_inherited();
    // Both are kindness to the machine, not protection: a system that refuses them is no reason to refuse documents.
    let _ = setpriority_process(None, NICE);
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
