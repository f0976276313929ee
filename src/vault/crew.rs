//! Hashing together: writers that hash at the same time share the lanes of one thread.
//!
//! # What it is for
//! Where a processor hashes sixteen streams in little more time than one ([`Lanes`]), writers should not hash each on its
//! own. There is no thread for it and no timer. A writer that finds nobody hashing leads: it hashes its own text, and from
//! a step to the next takes in whoever has come to wait, up to all lanes. Once its own text is done it passes the lead on
//! to one of those who are not. So nobody waits for company, and company comes by itself where hashing is what all wait for.
//!
//! # The way through
//! [`Crew::hash`] → lead or wait at the [`Desk`] → [`Shift::work`] (the leader's loop) → the text comes back, hashed.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
};

use super::group::Group;
use crate::kernel::{
    digest::blocks::{Lanes, Stream},
    fault::{Fault, Result},
};

/// Blocks hashed between two looks at who has come: 16 KiB of each stream, 20 to 100 µs.
const STEP: usize = 256;

/// Groups with fewer blocks are hashed at once: to meet others would take longer.
const WORTH: usize = 64;

/// Those who hash together.
pub struct Crew {
    lanes: Lanes,
    desk: Mutex<Desk>,
}

/// Who waits, and how many lead.
#[derive(Default)]
struct Desk {
    waiting: VecDeque<Job>,
    leaders: usize,
}

/// A stream with the text that comes next in it.
struct Job {
    stream: Stream,
    group: Group,
    /// Blocks of the group that are behind the stream.
    done: usize,
    /// How its owner is told, if he waits. The leader's own job has none.
    owner: Option<SyncSender<News>>,
}

/// What one who waits is told.
enum News {
    /// His text is hashed.
    Done(Job),
    /// His job is among these, and the lead is his.
    Lead(Vec<Job>),
}

impl Crew {
    /// A crew that hashes in these lanes.
    pub fn new(lanes: Lanes) -> Self {
        Self {
            lanes,
            desk: Mutex::default(),
        }
    }

    /// Adds the whole blocks of `group` to `stream`, and gives both back. Blocks while others' text is hashed with it.
    pub fn hash(&self, stream: Stream, group: Group) -> Result<(Stream, Group)> {
        let mut job = Job {
            stream,
            group,
            done: 0,
            owner: None,
        };
        if self.lanes.most() == 1 || job.group.blocks() < WORTH {
            while !job.is_done() {
                job.step(Lanes::One, usize::MAX);
            }
            return Ok((job.stream, job.group));
        }
        let done = self.meet(job)?;
        Ok((done.stream, done.group))
    }

    fn meet(&self, mut job: Job) -> Result<Job> {
        let mut desk = self.desk();
        // Where more wait than one leader has lanes for, a second one pays.
        if desk.leaders == 0 || desk.waiting.len() >= self.lanes.most() {
            desk.leaders += 1;
            drop(desk);
            return Shift::new(self, vec![job]).work();
        }
        let (tell, news) = sync_channel(1);
        job.owner = Some(tell);
        desk.waiting.push_back(job);
        drop(desk);
        match news.recv().map_err(Fault::internal)? {
            News::Done(job) => Ok(job),
            News::Lead(jobs) => Shift::new(self, jobs).work(),
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A leader at work.
struct Shift<'a> {
    crew: &'a Crew,
    /// The leader's own job, which has no owner to tell, and those that he took in.
    jobs: Vec<Job>,
}

impl<'a> Shift<'a> {
    fn new(crew: &'a Crew, jobs: Vec<Job>) -> Self {
        Self { crew, jobs }
    }

    /// Hashes until the leader's own job is done, then passes the lead on.
    fn work(mut self) -> Result<Job> {
        loop {
            self.take_in();
            advance(self.crew.lanes, &mut self.jobs);
            if let Some(own) = self.hand_out() {
                return Ok(own);
            }
        }
    }

    /// Fills the lanes with those who wait.
    fn take_in(&mut self) {
        let mut desk = self.crew.desk();
        let free = self.crew.lanes.most() - self.jobs.len();
        let coming = free.min(desk.waiting.len());
        self.jobs.extend(desk.waiting.drain(..coming));
    }

    /// Gives the jobs that are done back to their owners; the leader's own, if it is among them, to the caller.
    fn hand_out(&mut self) -> Option<Job> {
        let (done, going) = mem::take(&mut self.jobs)
            .into_iter()
            .partition(Job::is_done);
        self.jobs = going;
        let mut own = None;
        for mut job in Vec::into_iter(done) {
            match job.owner.take() {
                // An owner waits until he is told.
                Some(owner) => drop(owner.send(News::Done(job))),
                None => own = Some(job),
            }
        }
        own
    }
}

impl Drop for Shift<'_> {
    /// Passes the lead on to the first whose job is not done.
    fn drop(&mut self) {
        let mut desk = self.crew.desk();
        let mut jobs = mem::take(&mut self.jobs);
        if std::thread::panicking() {
            // Those whose jobs are dropped learn of it by that.
            jobs.clear();
        }
        if jobs.is_empty() {
            jobs.extend(desk.waiting.pop_front());
        }
        match jobs.first_mut().and_then(|job| job.owner.take()) {
            Some(next) => drop(next.send(News::Lead(jobs))),
            None => desk.leaders -= 1,
        }
    }
}

impl Job {
    fn is_done(&self) -> bool {
        self.done == self.group.blocks()
    }

    /// Up to `most` blocks alone.
    fn step(&mut self, lanes: Lanes, most: usize) {
        let blocks = self.group.run(self.done, most);
        lanes.add(&mut [(&mut self.stream, blocks)]);
        self.done += blocks.len();
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
    use std::{sync::Arc, thread};

    use super::*;
    use crate::kernel::digest::sha256;

    /// Hashes `text` as a writer does, group by group.
    fn hashed(crew: &Crew, text: &[u8]) -> [u8; 32] {
        let mut stream = Stream::default();
        let mut rest = text;
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

    #[test]
    fn many_writers_at_once_each_get_the_digest_of_their_own_text() {
        let crew = Arc::new(Crew::new(Lanes::of_processor()));
        let writers = (0..40).map(|seed| {
            let crew = Arc::clone(&crew);
            thread::spawn(move || {
                let text = text(seed, seed * seed * 173 % 300_000 + seed);
                assert_eq!(hashed(&crew, &text), sha256(&text), "writer {seed}");
            })
        });
        let writers: Vec<_> = writers.collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        let desk = crew.desk();
        assert_eq!((desk.leaders, desk.waiting.len()), (0, 0));
    }

    #[test]
    fn one_who_comes_while_another_leads_is_told_when_his_text_is_done() {
        let crew = Crew::new(Lanes::of_processor());
        let text = text(1, 200_000);
        crew.desk().leaders = 1;
        thread::scope(|scope| {
            let waiting = scope.spawn(|| hashed(&crew, &text));
            while crew.lanes.most() > 1 && crew.desk().waiting.is_empty() {
                thread::yield_now();
            }
            // The leader goes, and the one who waits takes over.
            drop(Shift::new(&crew, Vec::new()));
            assert_eq!(waiting.join().unwrap(), sha256(&text));
        });
    }
}
