//! What the groups of a blob need one after the other: the digests so far, and the press. Each is free, or on its way back from
//! the thread that has it.

use std::mem;

use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::kernel::fault::{Fault, Result};

/// Where the one of its kind is.
pub enum Stage<T> {
    /// Here.
    Free(T),
    /// With a thread that will give it back, or the fault that it met.
    Taken(Receiver<Result<T>>),
    /// Lost with a fault, or handed on for good.
    Lost,
}

impl<T> Stage<T> {
    /// One that is taken, and what gives it back. If that is dropped, the one is lost.
    pub fn taken() -> (Sender<Result<T>>, Self) {
        let (give, coming) = channel();
        (give, Self::Taken(coming))
    }

    /// Waits until it is free. Whoever stops waiting loses nothing. Fails with the fault that its thread met.
    pub async fn settle(&mut self) -> Result<()> {
        if let Self::Taken(coming) = self {
            let given = coming.await;
            *self = Self::Lost;
            *self = Self::Free(given.map_err(Fault::internal)??);
        }
        Ok(())
    }

    /// Takes it where it is free.
    pub fn take(&mut self) -> Result<T> {
        match mem::replace(self, Self::Lost) {
            Self::Free(one) => Ok(one),
            _ => Err(Fault::unavailable("this blob has failed before")),
        }
    }

    /// Waits for it on a thread that may block.
    pub fn wait(mut self) -> Result<T> {
        match self {
            Self::Taken(coming) => coming.blocking_recv().map_err(Fault::internal)?,
            _ => self.take(),
        }
    }

    /// It, if it is here; a thread that still has it keeps it.
    pub fn give_up(&mut self) -> Option<T> {
        match mem::replace(self, Self::Lost) {
            Self::Free(one) => Some(one),
            Self::Taken(mut coming) => {
                coming.close();
                coming.try_recv().ok()?.ok()
            }
            Self::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn whoever_stops_waiting_loses_nothing() {
        let (give, mut stage) = Stage::taken();
        assert!(stage.settle().now_or_never().is_none());
        give.send(Ok(7)).unwrap();
        stage.settle().await.unwrap();
        assert_eq!(stage.take().unwrap(), 7);
    }

    #[tokio::test]
    async fn a_fault_is_told_once_and_nothing_comes_after_it() {
        let (give, mut stage) = Stage::<u8>::taken();
        give.send(Err(Fault::internal("told"))).unwrap();
        assert!(
            stage
                .settle()
                .await
                .unwrap_err()
                .to_string()
                .contains("told")
        );
        stage.settle().await.unwrap();
        assert!(stage.take().is_err());
    }

    #[tokio::test]
    async fn a_thread_that_ends_without_a_word_is_a_fault() {
        let (give, mut stage) = Stage::<u8>::taken();
        drop(give);
        assert!(stage.settle().await.is_err());
    }

    #[test]
    fn what_is_given_up_stays_with_the_thread_that_has_it() {
        let (give, mut stage) = Stage::taken();
        assert!(stage.give_up().is_none());
        assert!(give.send(Ok(7)).is_err());
        let (give, mut stage) = Stage::taken();
        give.send(Ok(7)).unwrap();
        assert_eq!(stage.give_up(), Some(7));
    }

    #[test]
    fn a_thread_waits_for_what_another_has() {
        let (give, stage) = Stage::taken();
        let other = std::thread::spawn(move || stage.wait());
        give.send(Ok(7)).unwrap();
        assert_eq!(other.join().unwrap().unwrap(), 7);
    }
}
