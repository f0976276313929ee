//! Hashing together: writers that hash at the same time share the lanes of one thread.
//!
//! # What it is for
//! Where a processor hashes sixteen streams in little more time than one ([`Lanes`]), writers should not hash each on its
//! own. They hand their text to a few threads of the crew, which take from one step to the next whoever has come, up to
//! all lanes. Nobody waits for company, and there is no timer. But the crew's threads yield to those that serve: where
//! there is processor time to spare they hash at once, and where there is none texts gather meanwhile and cost less each.
//!
//! On processors with SHA instructions there is no crew, and each writer hashes its own text.
//!
//! # The way through
//! [`Crew::begin`] or [`Crew::hash`] → the channel → [`Shift::work`] (the loop of one thread) → the text comes back, hashed.

use std::{mem, sync::mpsc::sync_channel, thread};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::group::Group;
use crate::kernel::{
    digest::blocks::{Lanes, Stream},
    fault::{Fault, Result},
};

/// Blocks hashed between two looks at who has come: 16 KiB of each stream, 20 to 100 µs.
const STEP: usize = 256;

/// Groups with fewer blocks are hashed at once: to meet others would take longer.
const WORTH: usize = 64;

/// One thread of the crew hashes as much as several processors receive.
const PROCESSORS_EACH: usize = 8;

/// How much the crew's threads yield to those that serve; the worker's yield more. Measured with four streams of 20 MB on two
/// busy processors: at 5 the crew ran as soon as one text was there, and hashed one or two at a time for the price of four.
const YIELDING: i32 = 12;

/// Those who hash together. By default there are none, and each writer hashes its own text.
#[derive(Default)]
pub struct Crew {
    /// To the threads; none where each hashes on its own. They end with it.
    desk: Option<Sender<Job>>,
}

/// A stream with the text that comes next in it.
struct Job {
    stream: Stream,
    group: Group,
    /// Blocks of the group that are behind the stream.
    done: usize,
    owner: Owner,
}

/// Takes both back, on the crew's thread: it must not block.
type Owner = Box<dyn FnOnce(Stream, Group) + Send>;

impl Crew {
    /// A crew that hashes in these lanes, on threads of its own. Fails with `internal` where the system has none left.
    pub fn new(lanes: Lanes) -> Result<Self> {
        if lanes.most() == 1 {
            return Ok(Self::default());
        }
        let (desk, jobs) = unbounded();
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..processors.div_ceil(PROCESSORS_EACH) {
            start(lanes, jobs.clone())?;
        }
        Ok(Self { desk: Some(desk) })
    }

    /// Whether there is anybody.
    pub fn is_there(&self) -> bool {
        self.desk.is_some()
    }

    /// Has the whole blocks of `group` added to `stream`, and both given to `owner` on the thread that did it. If the crew
    /// has ended, `owner` is dropped. Blocks only where there is no crew.
    pub fn begin(
        &self,
        stream: Stream,
        group: Group,
        owner: impl FnOnce(Stream, Group) + Send + 'static,
    ) {
        let Some(desk) = &self.desk else {
            let (stream, group) = alone(stream, group);
            return owner(stream, group);
        };
        // A job that nobody takes is dropped, and its owner with it.
        let _ = desk.send(Job {
            stream,
            group,
            done: 0,
            owner: Box::new(owner),
        });
    }

    /// Adds the whole blocks of `group` to `stream`, and gives both back. Blocks while the crew is at it.
    pub fn hash(&self, stream: Stream, group: Group) -> Result<(Stream, Group)> {
        if !self.is_there() || group.blocks() < WORTH {
            return Ok(alone(stream, group));
        }
        let (give, hashed) = sync_channel(1);
        self.begin(stream, group, move |stream, group| {
            // There is room for one answer.
            let _ = give.send((stream, group));
        });
        let gone = |_| Fault::internal("the thread that hashes has ended");
        hashed.recv().map_err(gone)
    }
}

fn start(lanes: Lanes, jobs: Receiver<Job>) -> Result<()> {
    let work = move || {
        // On Linux a thread's own niceness; where it is refused, all are equal.
        let _ = rustix::process::nice(YIELDING);
        while let Ok(job) = jobs.recv() {
            Shift::new(lanes, &jobs, job).work();
        }
    };
    let named = thread::Builder::new().name("hashing".to_owned());
    named.spawn(work).map(drop).map_err(Fault::internal)
}

fn alone(mut stream: Stream, group: Group) -> (Stream, Group) {
    let mut done = 0;
    while done < group.blocks() {
        let run = group.run(done, usize::MAX);
        stream.add(run);
        done += run.len();
    }
    (stream, group)
}

/// A thread at work, from the first text that came to the last.
struct Shift<'a> {
    lanes: Lanes,
    coming: &'a Receiver<Job>,
    jobs: Vec<Job>,
}

impl<'a> Shift<'a> {
    fn new(lanes: Lanes, coming: &'a Receiver<Job>, first: Job) -> Self {
        Self {
            lanes,
            coming,
            jobs: vec![first],
        }
    }

    fn work(mut self) {
        while !self.jobs.is_empty() {
            let free = self.lanes.most() - self.jobs.len();
            self.jobs.extend(self.coming.try_iter().take(free));
            advance(self.lanes, &mut self.jobs);
            self.hand_out();
        }
    }

    /// Gives what is done back to its owners.
    fn hand_out(&mut self) {
        for job in mem::take(&mut self.jobs) {
            if job.done < job.group.blocks() {
                self.jobs.push(job);
            } else {
                (job.owner)(job.stream, job.group);
            }
        }
    }
}

/// Takes all jobs on by as many blocks as each has at hand.
fn advance(lanes: Lanes, jobs: &mut [Job]) {
    let at_hand = jobs
        .iter()
        .map(|job| job.group.run(job.done, STEP).len())
        .min()
        .unwrap_or(0);
    let mut together: Vec<_> = jobs
        .iter_mut()
        .map(|job| (&mut job.stream, job.group.run(job.done, at_hand)))
        .collect();
    lanes.add(&mut together);
    jobs.iter_mut().for_each(|job| job.done += at_hand);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::digest::sha256;

    /// Hashes `text` as a writer does, group by group.
    fn hashed(crew: &Crew, text: &[u8]) -> [u8; 32] {
        let (mut stream, mut rest) = (Stream::default(), text);
        loop {
            let mut group = Group::after(&[]);
            while !rest.is_empty() && !group.is_full() {
                rest = group.take(rest);
            }
            let (next, group) = crew.hash(stream, group).unwrap();
            stream = next;
            if rest.is_empty() {
                return stream.finish(group.rest());
            }
        }
    }

    fn text(seed: usize, size: usize) -> Vec<u8> {
        (0..size)
            .map(|at| (at * 31 + seed * 7 + at / 251) as u8)
            .collect()
    }

    /// Forty writers at once, of all sizes up to two groups.
    fn crowd(crew: Crew) {
        let crew = Arc::new(crew);
        let writers = (0..40).map(|seed| {
            let crew = Arc::clone(&crew);
            thread::spawn(move || {
                let text = text(seed, seed * seed * 173 % 300_000 + seed);
                assert_eq!(hashed(&crew, &text), sha256(&text), "writer {seed}");
            })
        });
        let writers: Vec<_> = writers.collect();
        for writer in writers {
            writer.join().unwrap();
        }
    }

    #[test]
    fn many_writers_at_once_each_get_the_digest_of_their_own_text() {
        crowd(Crew::new(Lanes::widest()).unwrap());
    }

    #[test]
    fn without_lanes_each_writer_gets_the_digest_of_its_own_text_too() {
        crowd(Crew::new(Lanes::One).unwrap());
    }
}
