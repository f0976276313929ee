//! Intake from outside: what is refused leaves a line in the journal and nothing else, what is received is whole.

mod content;
mod cut;
mod envelope;
mod framing;
mod memory;
mod metadata;
mod names;
mod size;

use std::time::Duration;

use serde_json::Value;

use crate::kit::{
    client::{Answer, Client},
    gateway::{Gateway, Kept, Kit},
    wait,
};

/// Enough for whatever happens at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// A gateway, a client of it, and what was kept before anything was sent.
pub struct Desk {
    /// The gateway.
    pub gateway: Gateway,
    /// A client that may read and write.
    pub client: Client,
    before: Kept,
    refused: Vec<String>,
}

impl Desk {
    /// Starts the gateway of `kit`.
    pub async fn open(kit: Kit) -> Self {
        let gateway = kit.start();
        let client = gateway.client().await;
        Self {
            before: gateway.kept(),
            refused: Vec::new(),
            gateway,
            client,
        }
    }

    /// Fails unless this is a refusal of that status and code, journalled, after which nothing is kept.
    #[track_caller]
    pub fn refuses(&mut self, answer: &Answer, status: u16, code: &str) {
        answer.is_problem(status, code);
        self.refused.push(code.to_owned());
        self.keeps_nothing();
        let mut journalled = self.journalled();
        journalled.sort();
        self.refused.sort();
        assert_eq!(journalled, self.refused);
    }

    /// Waits until nothing more is kept than before the first sending.
    #[track_caller]
    pub fn keeps_nothing(&self) {
        let before = &self.before;
        wait::until("return to what was kept before", SOON, || {
            (self.gateway.kept() == *before).then_some(())
        });
    }

    /// The codes of the refusals in the journal.
    fn journalled(&self) -> Vec<String> {
        let details = self
            .gateway
            .sql("SELECT detail FROM journal WHERE kind = 'piece.refused' ORDER BY id");
        let codes = details.lines().map(|detail| {
            let detail: Value = serde_json::from_str(detail).expect("a detail is JSON");
            detail["code"].as_str().expect("a code").to_owned()
        });
        codes.collect()
    }

    /// The return of a piece, once it is there.
    pub async fn return_of(&self, id: &str) -> Value {
        let path = format!("/v1/pieces/{id}/return");
        wait::eventually("return", SOON, async || {
            let answer = self.client.get(&path).await;
            (answer.status == 200).then(|| answer.json())
        })
        .await
    }
}

/// A fault as [`Answer::faults`] gives it.
pub fn fault(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

/// A file of the fixtures.
pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(crate::fixtures::folder().join(name)).expect(name)
}
