//! What the system's allocator keeps of memory that was given back to it: set once, before any thread starts, and asked to let
//! go after the largest works.
//!
//! By itself it comes to keep the buffers of bodies among what is small, and small ones for each thread: with a crowd of large
//! bodies the first holds more than they do, the second makes a worker several times as large as what it holds. The few buffers
//! that are worth keeping are kept by those who need them again.
//!
//! Works that hold tens of megabytes do not add up where one of them can wait: see [`hold`] and [`alone`].

use std::time::Duration;

use tokio::{
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::timeout,
};

/// How long a work that can wait does so.
const PATIENCE: Duration = Duration::from_secs(10);

/// Memory is the whole process's, and so is this.
static LARGE: RwLock<()> = RwLock::const_new(());

/// A work that holds the lists of a large archive. What they leave goes back to the system at its end.
pub struct Held {
    _side_by_side: Option<RwLockReadGuard<'static, ()>>,
}

/// A work that stands in memory whole, and waited to be alone.
pub struct Alone {
    _turn: Option<RwLockWriteGuard<'static, ()>>,
}

/// Says that a large work begins, until what it answers is dropped. Never waits: several of them go side by side.
pub fn hold() -> Held {
    Held {
        _side_by_side: LARGE.try_read().ok(),
    }
}

/// Waits until no large work goes on, ten seconds at most: for a work that can wait, and that nobody may keep from being done.
pub async fn alone() -> Alone {
    Alone {
        _turn: timeout(PATIENCE, LARGE.write()).await.ok(),
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back();
    }
}

/// What a process is to be good at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Many bodies at once: what is small is used again, what a crowd held goes back to the system.
    Serving,
    /// Jobs whose needs differ a thousandfold: what one has needed goes back to the system.
    Working,
}

/// Tells the allocator, before any thread starts. Other systems than Linux with glibc keep their own ways.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep(habit: Habit) {
    let settings: &[(i32, i32)] = match habit {
        // What a crowd of large bodies held goes back at once. Measured with 64 of 20 MB, nothing kept by the vault: 70 MB
        // at the most, 102 where it stays among what is small. The vault keeps a little for the next bodies.
        Habit::Serving => &[
            (libc::M_MMAP_THRESHOLD, 128 << 10),
            (libc::M_TRIM_THRESHOLD, 16 << 20),
        ],
        // Measured after archives of 10,000 and 100,000 pieces: 67 MB of 300 stay, with 62 MB held at the most.
        Habit::Working => &[
            (libc::M_ARENA_MAX, 1),
            (libc::M_MMAP_THRESHOLD, 128 << 10),
            (libc::M_TRIM_THRESHOLD, 1 << 20),
        ],
    };
    for (parameter, value) in settings {
        // SAFETY: it reads two numbers. What it does not know it refuses, and that is no reason not to start.
        unsafe { libc::mallopt(*parameter, *value) };
    }
}

/// Tells the allocator, before any thread starts. Other systems than Linux with glibc keep their own ways.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep(_: Habit) {}

/// Gives back to the system what lies free between things that are still held: the allocator by itself lets go of the end of
/// its heap only. Takes about a millisecond for each 50 MB; worth it after a work that held megabytes of small things.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: it takes a number and touches nothing that is in use.
    unsafe { libc::malloc_trim(0) };
}

/// Gives back to the system what lies free. Other systems than Linux with glibc keep their own ways.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_can_wait_does_so_until_the_large_works_are_over_and_not_for_ever() {
        let began = Instant::now();
        let (one, other) = (hold(), hold());
        let waited = async { drop(alone().await) };
        let over = async {
            tokio::time::sleep(PATIENCE / 4).await;
            drop(one);
            tokio::time::sleep(PATIENCE / 4).await;
            drop(other);
        };
        tokio::join!(waited, over);
        assert_eq!(began.elapsed(), PATIENCE / 2);
        let _large = hold();
        drop(alone().await);
        assert_eq!(began.elapsed(), PATIENCE / 2 + PATIENCE);
    }
}
