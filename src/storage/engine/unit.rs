//! A unit of work: a closure over one transaction that can run again, and the reply that awaits its outcome.
//!
//! It can run again because a group may be rolled back for another member's sake (SQLite) or because PostgreSQL reports a
//! deadlock. So it holds no network, no signing, and takes nothing out of what it captured.

use tokio::sync::oneshot;

use super::Tx;
use crate::kernel::fault::{Fault, Result};

/// A unit as the engine's threads see it, whatever it answers.
pub(super) trait Unit: Send {
    /// Runs it once in `tx`; the answer is kept until [`Unit::settle`]. Says whether its writes shall stay.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;

    /// Replies: with the kept answer if `durable`, else with the fault.
    fn settle(self: Box<Self>, durable: Result<()>);
}

struct Work<T, F> {
    closure: F,
    answer: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

/// Makes a unit of a closure, and the receiver of its answer.
pub(super) fn unit<T, F>(closure: F) -> (Box<dyn Unit>, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let work = Work {
        closure,
        answer: None,
        reply,
    };
    (Box::new(work), answer)
}

impl<T, F> Unit for Work<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        let answer = (self.closure)(tx);
        let outcome = match &answer {
            Ok(_) => Ok(()),
            Err(fault) => Err(fault.clone()),
        };
        self.answer = Some(answer);
        outcome
    }

    fn settle(self: Box<Self>, durable: Result<()>) {
        let answer = match durable {
            Ok(()) => self
                .answer
                .unwrap_or_else(|| Err(Fault::internal("a unit was settled before it ran"))),
            Err(fault) => Err(fault),
        };
        // Whoever asked may have gone: the work is done all the same.
        let _ = self.reply.send(answer);
    }
}
