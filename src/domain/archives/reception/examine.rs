//! The look at a spooled archive: compression, structure, manifest, every file, the antivirus's verdicts.

use tokio::sync::OwnedSemaphorePermit;

use super::{
    examined::Examined,
    looked,
    spool::{self, Spooled, Unpacking},
    taking::Taking,
};
use crate::{
    codec::{Finding, FindingCode, Format},
    domain::{
        archives::check::{self, Checked, Rules},
        receipts::archive::Outcome,
    },
    kernel::fault::{Fault, Result},
    vault::BlobReader,
};

/// From how many entries on an archive takes its turn until it is visible, and not only while it is checked.
const MANY: usize = 10_000;

/// Looks at a spooled archive: compression, structure, manifest, every file, the antivirus's verdicts.
///
/// Fails only for reasons of ours: what is wrong with the archive is in the answer.
pub async fn examine(taking: &Taking, spooled: &Spooled) -> Result<Examined> {
    let Some(blob) = &spooled.reader else {
        let detail = format!("Plus de {} octets.", taking.limits().bytes);
        let found = Finding::new(FindingCode::TooLarge, detail);
        return Ok(Examined::refused(vec![found]));
    };
    let rules = Rules::of(&taking.project).by(&taking.incoming);
    if let Some(found) = spooled.format.and_then(|format| rules.unwanted(format)) {
        return Ok(Examined::refused(vec![found]));
    }
    let (unpacked, reader) = match spool::unpacked(taking, spooled, blob).await? {
        Unpacking::NotNeeded => (None, blob.clone()),
        Unpacking::Done(row, reader) => (Some(*row), reader),
        Unpacking::Refused(findings) => return Ok(Examined::refused(findings)),
    };
    let (checked, seat) = match spooled.format {
        Some(format) => checked(taking, spooled, rules, reader.clone(), format).await?,
        None => {
            let detail = "Ni zip, ni tar, ni gzip par son contenu.";
            return Ok(Examined::refused(vec![Finding::new(
                FindingCode::FormatUnknown,
                detail,
            )]));
        }
    };
    let many = checked.directory.entries.len() > MANY;
    let mut examined = Examined::of(checked, unpacked, seat.filter(|_| many));
    examined.judge(taking.project.acceptance);
    if taking.project.antivirus && examined.outcome != Outcome::Rejected {
        looked::at(taking, &mut examined, &reader).await?;
        examined.judge(taking.project.acceptance);
    }
    Ok(examined)
}

async fn checked(
    taking: &Taking,
    spooled: &Spooled,
    mut rules: Rules,
    reader: BlobReader,
    format: Format,
) -> Result<(Checked, Option<OwnedSemaphorePermit>)> {
    rules.beside.clone_from(&spooled.beside);
    rules.limits = taking.limits();
    // What a check holds in memory follows the number of files: those of one process take turns.
    let seat = taking.desk.room.clone().acquire_owned().await;
    let seat = seat.map_err(Fault::internal)?;
    let checked = tokio::task::spawn_blocking(move || {
        let source = || Ok(reader.seekable());
        let checked = check::check(&source, format.unpacked(), &rules, &())?;
        Ok((checked, Some(seat)))
    });
    checked.await.map_err(Fault::internal)?
}
