//! All pieces processed: the one return of the archive, held to what was agreed, then kept with its way out; or the exchange
//! held. The return is made twice, once to measure and judge it and once to write it, so that its size bounds nothing.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    bench::Bench,
    document::{Head, entry_name},
    outlet::{self, Way},
    packing::{self, Packer, RETURN},
    text::{Text, name_of},
    walk::Walk,
    worked::together,
};
use crate::{
    config::Channel,
    domain::{
        archives::kept::Header,
        exchanges::{ReturnState, Status},
        ged::documents::{self, Column},
        jobs::{self, Effects, End, Kind, Settlement},
        journal::{self, Kind as Event},
        processing::Verdict,
        returns::{
            conformity::{self, Nonconformity},
            document::Kept,
            ending::subject,
            produced::Carrying,
        },
    },
    kernel::{
        digest::{hex, sha256},
        failpoint,
        fault::{Fault, Result},
        memory,
    },
    storage::{
        Prepared, archives,
        exchanges::{self, DocumentRow},
        jobs as job_rows, journal as journal_rows,
        piece_results::{self, Tally},
        returns::{self, ReturnRow},
    },
};

/// The most bytes of a return's body that are asked for before it is written.
const MOST_AHEAD: usize = 32 << 20;

/// From how many pieces on a return in one body is made while no large archive is in memory.
const LARGE: u64 = 5000;

/// Makes the return of the bench's archive.
pub(super) async fn run(bench: &Bench) -> Result<Settlement> {
    let making = Making::new(bench).await?;
    let settlement = making.settlement().await?;
    failpoint::hit("return.before-settle");
    Ok(settlement)
}

/// A return that is being made.
struct Making<'b> {
    bench: &'b Bench,
    id: Uuid,
    at: Timestamp,
    header: Header,
    head: Head,
    tally: Tally,
    /// Bytes of produced files.
    produced: u64,
    way: Option<Way>,
}

/// The return's bytes as they are kept, and how it leaves.
struct Made {
    body: Vec<u8>,
    leaving: Vec<Prepared>,
    /// What the journal says of it.
    detail: Json,
    /// Until it is written.
    turn: Option<memory::Alone>,
}

impl<'b> Making<'b> {
    async fn new(bench: &'b Bench) -> Result<Self> {
        let (ctx, exchange) = (&bench.ctx, bench.exchange.id);
        let read = ctx.store.read(move |tx| {
            let archive = archives::find(tx, exchange)?;
            let archive = archive.ok_or_else(|| Fault::internal("an archive without a row"))?;
            Ok((archive, piece_results::tally(tx, exchange)?))
        });
        let (archive, (tally, produced)) = read.await?;
        let header: Header =
            documents::open_json(&bench.key, Column::Metadata, &bench.exchange.metadata)?;
        let (id, at) = (ctx.entropy.uuid(&ctx.clock)?, ctx.clock.now());
        let counts = (archive.pieces, archive.accepted);
        let outcome = outcome(tally).as_str();
        Ok(Self {
            head: Head::new((id, at), &bench.exchange, &header, outcome, counts),
            way: outlet::of_project(ctx, &bench.project)?,
            bench,
            id,
            at,
            header,
            tally,
            produced,
        })
    }

    async fn settlement(&self) -> Result<Settlement> {
        let (returns, limits) = (
            &self.bench.project.returns,
            &self.bench.ctx.config.gateway.limits,
        );
        if returns.archives == Channel::Depot {
            let way = self.way.as_ref();
            let way =
                way.ok_or_else(|| Fault::unavailable("the project's depot is not configured"))?;
            return self.by_depot(way).await;
        }
        // With its files where they fit; without any link that only a client of the API could follow, as long as there is a depot.
        let inline = self.produced <= returns.inline_bytes;
        let carrying = match (inline, &self.way) {
            (true, _) => Some(Carrying::Inline),
            (false, Some(_)) => None,
            (false, None) => Some(Carrying::Links),
        };
        if let Some(carrying) = carrying
            && let Some(settlement) = self.by_callback(carrying, limits.transaction).await?
        {
            return Ok(settlement);
        }
        match &self.way {
            Some(way) => self.by_depot(way).await,
            None => {
                conformity::too_large(&self.bench.ctx, &self.bench.exchange, limits.transaction)
            }
        }
    }

    /// The return as one body, where that has `limit` bytes at most.
    async fn by_callback(&self, carrying: Carrying, limit: u64) -> Result<Option<Settlement>> {
        let turn = match self.tally.all() >= LARGE {
            true => Some(memory::alone().await),
            false => None,
        };
        // Room for all of it, of which the system gives what is written: a body that grew would stand twice in memory.
        let room = usize::try_from(limit).unwrap_or(usize::MAX).min(MOST_AHEAD);
        let (mut text, mut body) = (self.text(carrying, true), Vec::with_capacity(room));
        while let Some(part) = text.next().await? {
            body.extend_from_slice(&part);
            if body.len() as u64 > limit {
                return Ok(None);
            }
        }
        if let Some(found) = &text.found {
            return self.held(found).await.map(Some);
        }
        let ctx = &self.bench.ctx;
        let lane = jobs::delivery_lane(&self.bench.project.name);
        let owner = &self.bench.exchange.owner;
        let job = jobs::new(ctx, Kind::Deliver, &lane, self.id, owner, self.at)?;
        let made = Made {
            detail: json!({ "channel": "callback", "sha256": hex(&sha256(&body)) }),
            leaving: vec![job_rows::queue(&job, self.at)],
            body,
            turn,
        };
        self.kept(made).map(Some)
    }

    async fn by_depot(&self, way: &Way) -> Result<Settlement> {
        let (mut text, mut size) = (self.text(Carrying::Entries, true), 0);
        while let Some(part) = text.next().await? {
            size += part.len() as u64;
        }
        if let Some(found) = &text.found {
            return self.held(found).await;
        }
        let name = self.file_name(way);
        let document = self.packed(way, size, &name).await?;
        let (ctx, exchange) = (&self.bench.ctx, &self.bench.exchange);
        let package = (way, self.id, name.as_str(), &document);
        let made = Made {
            body: self.head.to_bytes()?,
            leaving: outlet::queued(ctx, exchange, &self.bench.key, package, self.at)?,
            detail: json!({
                "channel": "depot", "depot": way.depot.name, "flow": way.flow.name,
                "size": document.size, "sha256": hex(&document.sha256),
            }),
            turn: None,
        };
        self.kept(made)
    }

    /// The return archive: the return, of `size` bytes, and what was produced.
    async fn packed(&self, way: &Way, size: u64, name: &str) -> Result<DocumentRow> {
        let (ctx, exchange) = (&self.bench.ctx, &self.bench.exchange);
        let form = packing::form(way.out.format);
        let mut packer = Packer::new(ctx, exchange, form, self.at).await?;
        packer.begin(RETURN, size)?;
        let mut text = self.text(Carrying::Entries, false);
        while let Some(part) = text.next().await? {
            packer.write(&part).await?;
        }
        packer.end()?;
        self.produced(&mut packer).await?;
        packer
            .finish(ctx, exchange, &self.bench.key, name, form)
            .await
    }

    async fn produced(&self, packer: &mut Packer) -> Result<()> {
        let (ctx, project) = (&self.bench.ctx, &self.bench.exchange.project);
        let mut walk = Walk::new(self.bench);
        loop {
            let pieces = walk.page().await?;
            if pieces.is_empty() {
                return Ok(());
            }
            for piece in &pieces {
                for (index, row) in piece.produced().enumerate() {
                    let name = name_of(self.bench, row)?;
                    let name = entry_name(piece.row.ordinal, index + 1, &name);
                    let reader = documents::reader(ctx, project, row).await?;
                    packer.stream(&name, row.size, reader.whole()).await?;
                }
            }
        }
    }

    fn text(&self, carrying: Carrying, judged: bool) -> Text<'_> {
        Text::new(self.bench, (&self.header, &self.head), carrying, judged)
    }

    /// What the return is called after: the pli, or the archive's own name.
    fn file_name(&self, way: &Way) -> String {
        let archive = outlet::stem(&self.header.metadata.file_name);
        let answers = self.header.pli_id.as_deref().unwrap_or(archive);
        outlet::file_name(answers, self.id, way)
    }

    async fn held(&self, found: &Nonconformity) -> Result<Settlement> {
        conformity::held(&self.bench.ctx, &self.bench.exchange, found)
    }

    fn kept(&self, made: Made) -> Result<Settlement> {
        let (bench, exchange) = (self.bench, self.bench.exchange.clone());
        let row = self.row(made.body)?;
        let kept = Kept {
            controls: Vec::new(),
        };
        let results = documents::seal_json(&bench.ctx, &bench.key, Column::Result, &kept)?;
        let mut statements = made.leaving;
        for (kind, detail) in self.trace(made.detail) {
            let about = subject(&exchange);
            let entry = journal::entry(&bench.ctx.clock, &bench.ctx.entropy, kind, about, detail)?;
            statements.extend(journal_rows::appending(&entry));
        }
        let released = conformity::released(&bench.ctx, &exchange)?;
        let turn = made.turn;
        let effects: Effects = Box::new(move |tx| {
            let _until_it_is_written = &turn;
            if !returns::once(tx, exchange.id, row.id)? {
                return Ok(());
            }
            exchanges::insert_result(tx, &exchange, &results, row.created_at)?;
            returns::insert(tx, &row)?;
            exchanges::set_status(tx, exchange.id, Status::Returned.as_str())?;
            tx.run_all(&statements)?;
            released
                .iter()
                .try_for_each(|over| over.close(tx).map(drop))
        });
        Ok(Settlement {
            end: End::Done,
            effects,
        })
    }

    fn row(&self, body: Vec<u8>) -> Result<ReturnRow> {
        let (bench, exchange) = (self.bench, &self.bench.exchange);
        Ok(ReturnRow {
            id: self.id,
            exchange_id: exchange.id,
            owner: exchange.owner.clone(),
            project: exchange.project.clone(),
            outcome: self.head.outcome.to_owned(),
            state: ReturnState::Pending.as_str().to_owned(),
            attempts: 0,
            next_attempt_at: Some(self.at),
            acknowledged_at: None,
            key_id: exchange.key_id,
            body: documents::seal_bytes(&bench.ctx, &bench.key, Column::Return, &body)?.into(),
            created_at: self.at,
            redelivery_id: None,
        })
    }

    fn trace(&self, mut created: Json) -> [(Event, Json); 2] {
        let tally = self.tally;
        let pieces = json!({
            "processed": tally.processed, "partial": tally.partial, "unprocessable": tally.unprocessable,
        });
        created["returnId"] = json!(self.id);
        created["outcome"] = json!(self.head.outcome);
        let processed = json!({ "outcome": self.head.outcome, "pieces": pieces });
        [
            (Event::ArchiveProcessed, processed),
            (Event::ReturnCreated, created),
        ]
    }
}

fn outcome(tally: Tally) -> Verdict {
    let counts = [
        (tally.processed, Verdict::Processed),
        (tally.partial, Verdict::Partial),
        (tally.unprocessable, Verdict::Unprocessable),
    ];
    let there = counts.into_iter().filter(|(count, _)| *count > 0);
    together(there.map(|(_, verdict)| verdict))
}
