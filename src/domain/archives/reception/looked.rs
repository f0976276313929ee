//! What the antivirus says of an archive's files, before any of them is visible.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    examined::{self, Examined},
    taking::Taking,
};
use crate::{
    codec::FindingCode,
    domain::{
        archives::PieceAt,
        ged::contained::Reader,
        incidents::{self, Cause, Code as Anomaly},
    },
    kernel::fault::{Code, Fault, Result},
    outbound::clamd::{Clamd, Scanned, Why},
    vault::BlobReader,
};

/// A file that is to be looked at.
struct Look {
    at: PieceAt,
    name: String,
    file: Reader,
}

/// Has the antivirus look at every file of every sound piece. A file on which it will never have a verdict is a finding, for its
/// archive could wait no end for its receipt. Fails with `unavailable` where the antivirus is away or in trouble: the archive waits on its
/// depot, and nothing of it is visible.
pub async fn at(taking: &Taking, examined: &mut Examined, reader: &BlobReader) -> Result<()> {
    let Some(antivirus) = &taking.desk.antivirus else {
        return Err(without_verdict(taking, Why::Down).await);
    };
    let settings = taking.ctx().config.gateway.antivirus.as_ref();
    let at_once = settings.map_or(1, |settings| settings.at_once);
    let looks = looks(taking, examined, reader)?;
    let any = !looks.is_empty();
    let looks = looks.into_iter().map(|look| seen(antivirus.clone(), look));
    let mut looks = stream::iter(looks).buffer_unordered(at_once);
    let mut found = Vec::new();
    while let Some((look, verdict)) = looks.try_next().await? {
        match verdict {
            Scanned::Clean => {}
            Scanned::Found(signature) => {
                let detail = format!("L'antivirus a trouvé une signature : {signature}.");
                found.push((look, FindingCode::VirusFound, detail));
            }
            Scanned::Unknown(why) if why.is_of_the_content() => {
                let detail = "L'antivirus ne peut pas examiner ce fichier en entier.".to_owned();
                tracing::warn!(depot = taking.desk.depot.name, %why, "the antivirus has no verdict on a file of an archive");
                found.push((look, FindingCode::NotScanned, detail));
            }
            Scanned::Unknown(why) => return Err(without_verdict(taking, why).await),
        }
    }
    drop(looks);
    examined.looked_at = any;
    for (look, code, detail) in found {
        examined.piece_finding(look.at, code, Some(look.name), detail);
    }
    Ok(())
}

async fn seen(antivirus: Clamd, look: Look) -> Result<(Look, Scanned)> {
    let verdict = antivirus.scan(look.file.size(), look.file.whole()).await?;
    Ok((look, verdict))
}

fn looks(taking: &Taking, examined: &Examined, reader: &BlobReader) -> Result<Vec<Look>> {
    let checked = &examined.checked;
    let mut looks = Vec::new();
    for file in &checked.files {
        if examined.refused.contains(&file.at) {
            continue;
        }
        let entry = checked.directory.entries.get(file.entry);
        let place = examined::place(checked, file.entry, taking.exchange_id);
        let (Some(entry), Some(place)) = (entry, place) else {
            return Err(Fault::internal("a checked file has no place"));
        };
        looks.push(Look {
            at: file.at,
            name: entry.name.to_string(),
            file: Reader::within(reader.clone(), place, entry.size)?,
        });
    }
    Ok(looks)
}

/// The fault of an antivirus that gave no verdict, and its incident.
async fn without_verdict(taking: &Taking, why: Why) -> Fault {
    let ctx = taking.ctx();
    let cause = Cause::of_project(ctx, Anomaly::ScanUnavailable, &taking.project.name);
    let detail = serde_json::json!({ "reason": why.to_string(), "depot": taking.desk.depot.name });
    let told = match incidents::prepare(ctx, cause, detail) {
        Ok(ticket) => ctx.store.write(move |tx| ticket.open(tx).map(drop)).await,
        Err(fault) => Err(fault),
    };
    if let Err(fault) = told {
        tracing::error!(%fault, "the incident of a missing verdict could not be written");
    }
    Fault::new(
        Code::Unavailable,
        "L'antivirus ne rend pas de verdict ; l'archive attend.",
    )
    .because(why)
}
