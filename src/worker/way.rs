//! Giving way: a sender waits for his receipt, nobody waits for a return that is seconds away. Where many pieces are being made
//! durable in this process and the processors do not suffice, the worker looks for jobs some times a second only.
//!
//! Its own threads yield by their niceness, but what they have others do for them does not: the database's writing thread, a
//! server's processes. Measured on two processors with 64 senders on PostgreSQL: a third of the machine was at work for returns.

use std::{thread, time::Duration};

use tokio::time::{Instant, sleep};

use super::LOOK;
use crate::kernel::crowd::Crowd;

/// How many intakes for each processor make a crowd.
const CROWD: usize = 4;
/// A wait so short that a machine which has time for us ends it at once.
const GLANCE: Duration = Duration::from_millis(1);
/// How late that may end where processors are free.
const LATE: Duration = Duration::from_millis(4);

/// Waits where it should, as if nobody had rung: however many come, jobs are leased as often as where nothing is to be done.
pub(super) async fn give(intakes: &Crowd) {
    let processors = thread::available_parallelism().map_or(1, Into::into);
    if intakes.size() >= CROWD * processors && is_late().await {
        sleep(LOOK).await;
    }
}

/// Whether the machine lets this thread wait. A crowd alone does not tell: it may wait for a slow disk.
async fn is_late() -> bool {
    let began = Instant::now();
    sleep(GLANCE).await;
    began.elapsed() > GLANCE + LATE
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::kernel::crowd::Present;

    fn crowd(intakes: &Crowd) -> Vec<Present> {
        let processors = thread::available_parallelism().map_or(1, Into::into);
        (0..CROWD * processors).map(|_| intakes.enter()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_put_off_for_few() {
        let (intakes, began) = (Crowd::default(), Instant::now());
        let mut few = crowd(&intakes);
        few.pop();
        tokio::join!(give(&intakes), advance(LATE * 10));
        assert_eq!(began.elapsed(), LATE * 10);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_put_off_where_a_crowd_leaves_the_processors_free() {
        let (intakes, began) = (Crowd::default(), Instant::now());
        let _crowd = crowd(&intakes);
        give(&intakes).await;
        assert_eq!(began.elapsed(), GLANCE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_look_is_put_off_where_a_crowd_has_the_processors() {
        let (intakes, began) = (Crowd::default(), Instant::now());
        let _crowd = crowd(&intakes);
        tokio::join!(give(&intakes), advance(LATE * 10));
        assert_eq!(began.elapsed(), LATE * 10 + LOOK);
    }
}
