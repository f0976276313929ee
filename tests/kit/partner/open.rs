//! How many calls of a path are open at once, and those that are held until the test lets them go.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// The open calls of every path.
#[derive(Debug)]
pub struct Calls {
    counts: Mutex<HashMap<String, Count>>,
    released: watch::Sender<bool>,
}

/// The calls of one path that are open now, and the most that ever were.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    now: usize,
    peak: usize,
}

/// A call that is open as long as this lives: until its answer is made, or the gateway hangs up.
#[derive(Debug)]
pub struct Open<'a> {
    calls: &'a Calls,
    path: String,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            counts: Mutex::default(),
            released: watch::Sender::new(false),
        }
    }
}

impl Calls {
    /// Counts a call that begins.
    pub fn open(&self, path: &str) -> Open<'_> {
        let mut counts = self.counts();
        let count = counts.entry(path.to_owned()).or_default();
        count.now += 1;
        count.peak = count.peak.max(count.now);
        Open {
            calls: self,
            path: path.to_owned(),
        }
    }

    /// How many are open.
    pub fn now(&self, path: &str) -> usize {
        self.counts().get(path).map_or(0, |count| count.now)
    }

    /// How many were open at once, at most.
    pub fn peak(&self, path: &str) -> usize {
        self.counts().get(path).map_or(0, |count| count.peak)
    }

    /// Lets go what is held.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// Waits until what is held is let go.
    pub async fn released(&self) {
        let mut released = self.released.subscribe();
        // The sender lives as long as we do.
        let _ = released.wait_for(|released| *released).await;
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.calls.counts().get_mut(&self.path) {
            count.now -= 1;
        }
    }
}
