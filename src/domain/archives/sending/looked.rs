//! What the antivirus says of a file whose project demands a scan only since its archive was accepted: it is looked at before it
//! is opened. A signature puts it in quarantine, its piece's results say so, and an incident opens.

use serde_json::json;

use super::bench::Bench;
use crate::{
    domain::{
        ged::{
            scan,
            verdict::{Standing, Verdict},
        },
        incidents::{self, Cause, Code as Anomaly, Ticket},
        journal::{self, Kind, Subject},
    },
    kernel::{
        digest::hex,
        fault::{Fault, Result},
    },
    outbound::clamd::Scanned,
    storage::{
        Prepared,
        exchanges::DocumentRow,
        journal as journal_rows,
        scans::{self, ScanRow},
    },
};

/// A verdict that was given just now, ready to be written.
pub(super) struct Look {
    pub(super) standing: Standing,
    pub(super) statements: Vec<Prepared>,
    pub(super) ticket: Option<Ticket>,
}

/// Has a file of a piece looked at. Fails with `unavailable` where the antivirus gives no verdict.
pub(super) async fn at(bench: &Bench, file: &DocumentRow) -> Result<Look> {
    let antivirus = bench.antivirus.as_ref();
    match scan::scan(&bench.ctx, antivirus, &bench.exchange.project, file).await? {
        Scanned::Clean => Ok(clean(bench, file)),
        Scanned::Found(signature) => infected(bench, file, signature),
        Scanned::Unknown(why) => {
            let detail = "a file of the archive has no verdict yet";
            Err(Fault::unavailable(detail).because(why))
        }
    }
}

fn clean(bench: &Bench, file: &DocumentRow) -> Look {
    Look {
        standing: Standing::Clean,
        statements: vec![row(bench, file, Verdict::Clean, None)],
        ticket: None,
    }
}

fn infected(bench: &Bench, file: &DocumentRow, signature: String) -> Result<Look> {
    let (ctx, exchange) = (&bench.ctx, &bench.exchange);
    tracing::warn!(reconciliation_id = %exchange.id, signature, "the antivirus found a signature; the file is in quarantine");
    let detail = json!({
        "signature": signature, "pieceId": file.piece_id, "sha256": hex(&file.sha256),
    });
    let subject = Subject {
        exchange_id: Some(exchange.id),
        project: Some(exchange.project.clone()),
        owner: exchange.owner.clone(),
    };
    let kind = Kind::PieceQuarantined;
    let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail.clone())?;
    let cause = Cause::of_exchange(Anomaly::Infected, exchange);
    let mut statements = vec![row(bench, file, Verdict::Infected, Some(signature.clone()))];
    statements.extend(journal_rows::appending(&entry));
    Ok(Look {
        standing: Standing::Quarantined(signature),
        statements,
        ticket: Some(incidents::prepare(ctx, cause, detail)?),
    })
}

fn row(bench: &Bench, file: &DocumentRow, verdict: Verdict, signature: Option<String>) -> Prepared {
    scans::insert(&ScanRow {
        document_id: file.id,
        exchange_id: bench.exchange.id,
        owner: bench.exchange.owner.clone(),
        verdict: verdict.as_str().to_owned(),
        signature,
        at: bench.ctx.clock.now(),
    })
}
