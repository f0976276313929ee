//! The content of every declared file, read once by a few threads, and what it tells against the manifest.

use std::{
    io,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{
    CheckedFile, Flaw, Manifest, Progress, Rules,
    hashing::{self, Office, Outcome, Task},
    matching::Match,
    unreadable, verdict,
};
use crate::{
    codec::{Directory, Source},
    kernel::{
        digest::{Algorithm, blocks::Lanes},
        fault::Result,
    },
};

/// Bytes of files that one lane takes at once, lying one after the other.
const RUN: u64 = 1 << 20;

/// The most threads of one check.
const THREADS: usize = 4;

/// Everything that all threads share.
struct Shared<'a> {
    manifest: &'a Manifest,
    directory: &'a Directory,
    /// In the order in which they lie.
    plan: Vec<Match>,
    tasks: Vec<Task>,
    runs: Vec<Range<usize>>,
    next: AtomicUsize,
    /// A source has not answered: the work ends.
    broken: AtomicBool,
    rules: &'a Rules,
    progress: &'a dyn Progress,
    verdicts: Mutex<verdict::Verdicts>,
}

/// Reads every file of `plan`; those that were read whole, in the order of the manifest.
pub(super) fn read<S: Source + ?Sized>(
    source: &S,
    manifest: &Manifest,
    directory: &Directory,
    plan: Vec<Match>,
    rules: &Rules,
    progress: &dyn Progress,
    flaws: &mut Vec<Flaw>,
) -> Result<Vec<CheckedFile>> {
    let bytes = plan.iter().map(|one| directory.entries[one.entry].size);
    progress.begin(bytes.sum());
    let shared = Shared::new(manifest, directory, plan, rules, progress);
    all_threads(source, &shared)?;
    let verdicts = shared
        .verdicts
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let (files, mut found) = verdicts.ordered();
    flaws.append(&mut found);
    Ok(files)
}

fn all_threads<S: Source + ?Sized>(source: &S, shared: &Shared<'_>) -> Result<()> {
    let work = || {
        let done = hashing::work(
            Lanes::detect(),
            shared.directory,
            &shared.tasks,
            || source.reader(),
            &mut Desk(shared),
        );
        if done.is_err() {
            shared.broken.store(true, Relaxed);
        }
        done
    };
    let outcomes =
        thread::scope(|scope| {
            let more = threads(shared).saturating_sub(1);
            let others: Vec<_> = (0..more).map(|_| scope.spawn(work)).collect();
            let mut outcomes = vec![work()];
            let joined = others.into_iter().map(|other| other.join());
            outcomes.extend(joined.map(|joined| {
                joined.unwrap_or_else(|_| Err(io::Error::other("a reader panicked")))
            }));
            outcomes
        });
    // Of several, the one that is more than "another has failed".
    let mut failed = outcomes.into_iter().filter_map(Result::err);
    let first = failed.next();
    let telling = failed.find(|error| error.kind() != io::ErrorKind::Interrupted);
    match (telling, first) {
        (Some(error), _) | (None, Some(error)) => Err(unreadable(error)),
        (None, None) => Ok(()),
    }
}

fn threads(shared: &Shared<'_>) -> usize {
    let here = || {
        thread::available_parallelism()
            .map_or(1, usize::from)
            .min(THREADS)
    };
    let wanted = match shared.rules.threads {
        0 => here(),
        told => told,
    };
    wanted.clamp(1, shared.runs.len().max(1))
}

impl<'a> Shared<'a> {
    fn new(
        manifest: &'a Manifest,
        directory: &'a Directory,
        mut plan: Vec<Match>,
        rules: &'a Rules,
        progress: &'a dyn Progress,
    ) -> Self {
        let verdicts = Mutex::new(verdict::Verdicts::of(plan.len()));
        plan.sort_by_key(|one| directory.entries[one.entry].place.offset);
        let task = |one: &Match| {
            let announced = &one.of(manifest).hash;
            Task {
                entry: one.entry,
                with_sha512: announced
                    .as_ref()
                    .is_some_and(|hash| hash.algorithm == Algorithm::Sha512),
            }
        };
        Self {
            manifest,
            directory,
            tasks: plan.iter().map(task).collect(),
            runs: runs(&plan, directory),
            plan,
            next: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            rules,
            progress,
            verdicts,
        }
    }
}

/// Files cut into runs of [`RUN`] bytes at least.
fn runs(plan: &[Match], directory: &Directory) -> Vec<Range<usize>> {
    let (mut runs, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (place, one) in plan.iter().enumerate() {
        bytes += directory.entries[one.entry].place.length;
        if bytes >= RUN {
            runs.push(start..place + 1);
            (start, bytes) = (place + 1, 0);
        }
    }
    if start < plan.len() {
        runs.push(start..plan.len());
    }
    runs
}

/// One thread's view of what is shared.
struct Desk<'a>(&'a Shared<'a>);

impl Office for Desk<'_> {
    fn next(&self) -> Option<Range<usize>> {
        let place = self.0.next.fetch_add(1, Relaxed);
        self.0.runs.get(place).cloned()
    }

    fn lanes(&self) -> usize {
        self.0.runs.len().div_ceil(threads(self.0))
    }

    fn advance(&self, bytes: u64) -> bool {
        self.0.progress.advance(bytes);
        !self.0.broken.load(Relaxed)
    }

    fn tell(&mut self, task: usize, outcome: Outcome) {
        let one = self.0.plan[task];
        let judged = verdict::Judge {
            one,
            file: one.of(self.0.manifest),
            entry: &self.0.directory.entries[one.entry],
            rules: self.0.rules,
        };
        // What is gathered is sound whatever happened to another thread.
        let mut verdicts = self
            .0
            .verdicts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        verdicts.add(&judged, outcome);
    }
}
