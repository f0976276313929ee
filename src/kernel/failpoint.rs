//! Named places where a test kills the process, to prove that nothing acknowledged is lost there.
//!
//! `NAVETTE_FAILPOINT=intake.before-commit` kills at the first passage, `…:3` at the third. Release builds hold none of it.
//! To add one: call [`hit`] with a new `room.moment` name and add the name to [`ALL`], [`ARCHIVES`], [`RETURNS`], [`UPKEEP`], [`HUB`] or [`BATCHES`], which the fault tests
//! walk.

/// Every failure point, in the order in which a piece meets them.
pub const ALL: &[&str] = &[
    "vault.before-sync",
    "vault.before-rename",
    "vault.before-dirsync",
    "vault.after-dirsync",
    "intake.before-commit",
    "intake.after-commit",
    "scan.before-settle",
    "scan.after-settle",
    "process.before-settle",
    "process.after-settle",
    "deliver.before-send",
    "deliver.after-send",
    "deliver.after-settle",
    "journal.before-chain",
    "journal.after-chain",
];

/// Those that an archive meets on its way in.
pub const ARCHIVES: &[&str] = &[
    "archive.after-begin",
    "archive.after-spool",
    "archive.after-batch",
    "archive.before-flip",
    "archive.after-flip",
    "archive.before-refusal",
    "archive.after-refusal",
    "depot.after-receipt",
    "depot.after-signature",
    "depot.after-beside",
    "depot.after-leave",
    "depot.after-settle",
];

/// Those that an archive's return meets.
pub const RETURNS: &[&str] = &[
    "slice.before-settle",
    "slice.after-settle",
    "return.before-settle",
    "send.before-upload",
    "send.after-upload",
    "send.after-settle",
    "acknowledgment.before-commit",
    "acknowledgment.after-commit",
];

/// Those that a purge, a backup or a restoration meets.
pub const UPKEEP: &[&str] = &[
    "purge.before-commit",
    "purge.after-commit",
    "purge.after-slice",
    "purge.after-unlink",
    "purge.before-key",
    "purge.after-key",
    "backup.after-rows",
    "backup.before-seal",
    "restore.after-rows",
    "restore.before-replay",
];

/// Those that a télédossier meets while its files come, and when it is completed.
pub const HUB: &[&str] = &[
    "attachment.before-commit",
    "attachment.after-commit",
    "attachment.before-verdict",
    "attachment.after-settle",
    "hub.before-complete",
    "hub.within-complete",
    "hub.after-complete",
];

/// Those that the hub's batches and imports meet, and what goes on as a télédossier.
pub const BATCHES: &[&str] = &[
    "hub-purge.before-commit",
    "hub-purge.after-commit",
    "hub-archive.before-commit",
    "hub-archive.after-commit",
    "hub-delete.before-commit",
    "hub-delete.after-commit",
    "hub-delete.before-burial",
    "hub-import.after-batch",
    "forward.before-deposit",
    "forward.after-settle",
];

/// Dies here, as by `kill -9`, if the environment names this point.
#[inline]
pub fn hit(name: &str) {
    let listed = [ALL, ARCHIVES, RETURNS, UPKEEP, HUB, BATCHES]
        .iter()
        .any(|list| list.contains(&name));
    debug_assert!(listed, "unlisted failure point {name}");
    if cfg!(debug_assertions) {
        armed::hit(name);
    }
}

mod armed {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    };

    struct Armed {
        name: String,
        remaining: AtomicU32,
    }

    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
        let setting = std::env::var("NAVETTE_FAILPOINT").ok()?;
        let (name, nth) = setting.split_once(':').unwrap_or((&setting, "1"));
        Some(Armed {
            name: name.to_owned(),
            remaining: AtomicU32::new(nth.parse().unwrap_or(1)),
        })
    });

    pub fn hit(name: &str) {
        let Some(armed) = ARMED.as_ref().filter(|armed| armed.name == name) else {
            return;
        };
        if armed.remaining.fetch_sub(1, Ordering::SeqCst) == 1 {
            let me = rustix::process::getpid();
            // If even the kill fails, going on would make the test pass for the wrong reason.
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
            std::process::abort();
        }
    }
}
