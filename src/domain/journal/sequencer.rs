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
    storage::{
        Store, Tx,
        journal::{self, LinkRow},
        leases,
    },
};

/// The name of the lease.
const LEASE: &str = "journal-sequencer";
/// How long a process that died keeps others from going on.
const LEASE_TIME: SignedDuration = SignedDuration::from_secs(5);
/// What stands before the first entry's digest.
const START: Sha256 = [0; 32];
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
    ///
    /// A batch that is not full was the last: what came meanwhile waits for the next look. Else, under load, a transaction would
    /// be made for every few entries, without a pause.
    pub async fn run(&self) -> Result<usize> {
        let mut total = 0;
        while self.store.read(journal::any_pending).await? {
            failpoint::hit("journal.before-chain");
            let (token, clock) = (self.token, self.clock.clone());
            let numbered = self
                .store
                .write(move |tx| number_batch(tx, token, clock.now()))
                .await?;
            failpoint::hit("journal.after-chain");
            total += numbered;
            if numbered < BATCH as usize {
                break;
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
    let last = journal::last(tx)?;
    let (mut seq, mut chain) = last.map_or((0, START), |last| (last.seq, last.chain));
    let mut links = Vec::new();
    for entry in journal::pending(tx, BATCH)? {
        seq += 1;
        chain = link(&chain, seq, &entry);
        links.push(LinkRow {
            seq,
            entry_id: entry.id,
            chain,
        });
    }
    journal::number(tx, &links)?;
    Ok(links.len())
}

/// Walks the whole chain; answers its length and last digest. Fails with `corrupt` at the first entry that was changed,
/// taken out or put in.
pub async fn check(store: &Store) -> Result<(u64, Sha256)> {
    let (mut seq, mut chain) = (0, START);
    loop {
        let links = store
            .read(move |tx| journal::linked_after(tx, seq, 1000))
            .await?;
        if links.is_empty() {
            break;
        }
        for (row, entry) in links {
            seq += 1;
            chain = entry.map_or(START, |entry| link(&chain, seq, &entry));
            if row.seq != seq || row.chain != chain {
                return Err(broken(seq, &row.entry_id));
            }
        }
    }
    match store.read(|tx| journal::outside(tx, 1)).await?.first() {
        Some(entry) => Err(broken(seq + 1, entry)),
        None => Ok((seq, chain)),
    }
}

fn broken(seq: u64, id: &Uuid) -> Fault {
    let detail = format!("Le journal ne s'enchaîne plus à partir du numéro {seq} (entrée {id}).");
    Fault::new(Code::Corrupt, detail)
}
