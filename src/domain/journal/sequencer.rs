//! Numbers and chains committed entries without gaps: one at a time among all processes, by a lease.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::link;
use crate::{
    kernel::{
        clock::Clock,
        digest::Sha256,
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{Store, Tx, journal, leases},
};

/// The name of the lease.
const LEASE: &str = "journal-sequencer";
/// How long a process that died keeps others from going on.
const LEASE_TIME: SignedDuration = SignedDuration::from_secs(5);
/// How many entries one transaction numbers.
const BATCH: u32 = 512;
/// How often the journal is looked at.
pub const PERIOD: Duration = Duration::from_millis(250);

/// The sequencer of this process.
pub struct Sequencer {
    store: Store,
    clock: Clock,
    token: Uuid,
}

impl Sequencer {
    /// A sequencer that takes the lease under `token`.
    pub fn new(store: Store, clock: Clock, token: Uuid) -> Self {
        Self {
            store,
            clock,
            token,
        }
    }

    /// Numbers what waits, batch after batch, while this process holds the lease. Answers how many entries.
    pub async fn run(&self) -> Result<usize> {
        let mut total = 0;
        while self.store.read(journal::any_unnumbered).await? {
            failpoint::hit("journal.before-chain");
            let (token, clock) = (self.token, self.clock.clone());
            let numbered = self
                .store
                .write(move |tx| number_batch(tx, token, clock.now()))
                .await?;
            failpoint::hit("journal.after-chain");
            match numbered {
                0 => break,
                numbered => total += numbered,
            }
        }
        Ok(total)
    }

    /// Gives the lease back, so that another process goes on at once.
    pub async fn release(&self) -> Result<()> {
        let token = self.token;
        self.store
            .write(move |tx| leases::release(tx, LEASE, token))
            .await
    }
}

fn number_batch(tx: &mut Tx<'_>, token: Uuid, now: Timestamp) -> Result<usize> {
    let until = now.checked_add(LEASE_TIME).unwrap_or(now);
    if !leases::take(tx, LEASE, token, now, until)? {
        return Ok(0);
    }
    let (mut seq, mut chain) = journal::last(tx)?.unwrap_or((0, [0; 32]));
    let mut numbered = Vec::new();
    for entry in journal::unnumbered(tx, BATCH)? {
        seq += 1;
        chain = link(&chain, seq, &entry);
        numbered.push((entry.id, seq, chain));
    }
    journal::number(tx, &numbered)?;
    Ok(numbered.len())
}

/// Walks the whole chain; answers its length and last digest. Fails with `corrupt` at the first entry that does not fit.
pub async fn check(store: &Store) -> Result<(u64, Sha256)> {
    let (mut seq, mut chain) = (0, [0; 32]);
    loop {
        let entries = store
            .read(move |tx| journal::numbered_after(tx, seq, 1000))
            .await?;
        if entries.is_empty() {
            return Ok((seq, chain));
        }
        for entry in entries {
            seq += 1;
            chain = link(&chain, seq, &entry);
            if entry.seq != Some(seq) || entry.chain != Some(chain) {
                return Err(broken(seq, &entry.id));
            }
        }
    }
}

fn broken(seq: u64, id: &Uuid) -> Fault {
    let detail = format!("Le journal ne s'enchaîne plus à partir du numéro {seq} (entrée {id}).");
    Fault::new(Code::Corrupt, detail)
}
