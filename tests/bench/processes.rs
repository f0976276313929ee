//! What the kernel says of a process and of all that descend from it.

use std::fs;

/// Ticks of processor time per second, the same on every Linux that runs programs of today.
const TICKS: f64 = 100.0;

/// A process and all that descend from it.
pub fn family(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let mut all = vec![pid];
    let children = children.unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    all.extend(children.flat_map(family));
    all
}

/// What a process holds, in MB; each page it shares counts for its part only. 0 for one that has ended.
pub fn held(pid: i32) -> f64 {
    megabytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// The most that a process ever held, in MB, shared pages included.
pub fn high_water(pid: i32) -> f64 {
    megabytes(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// Processor time that a process has taken since it started, in seconds, its threads and ended children included.
pub fn processor_seconds(pid: i32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it is in parentheses and may hold blanks.
    let (_, fields) = text.rsplit_once(')').unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(4);
    ticks
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS
}

fn megabytes(file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes: f64 = line
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    kibibytes * 1024.0 / 1e6
}
