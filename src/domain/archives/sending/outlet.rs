//! The way by which a return leaves through a depot: the project's flow, the file's name there, and the rows and the job that
//! have it sent.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    config::{
        Depot, Project,
        depots::{Direction, Flow, Outgoing, Transport},
    },
    domain::{
        Context,
        ged::documents::{self, Column},
        jobs::{self, Kind},
    },
    kernel::{
        fault::{Code, Fault, Result},
        secret::Key,
    },
    storage::{
        Prepared,
        exchanges::{self, DocumentRow, ExchangeRow},
        jobs as job_rows,
        return_files::{self, ReturnFileRow},
    },
};

/// The most bytes of a file's name that come from what it answers: marker, acknowledgment and signature have names longer than its
/// own.
const STEM: usize = 100;

/// An outgoing flow of a depot.
#[derive(Clone, Debug)]
pub struct Way {
    /// The depot.
    pub depot: Arc<Depot>,
    /// Its flow.
    pub flow: Flow,
    /// What the flow says of what is left there.
    pub out: Outgoing,
}

/// The project's way, where it has one. Fails with `unavailable` where the settings do not hold it any more.
pub fn of_project(ctx: &Context, project: &Project) -> Result<Option<Way>> {
    let outlet = project.returns.outlet.as_ref();
    outlet
        .map(|outlet| find(ctx, &outlet.depot, &outlet.flow))
        .transpose()
}

/// The way of that depot and flow. Fails with `unavailable` where the settings do not hold it any more.
pub fn find(ctx: &Context, depot: &str, flow: &str) -> Result<Way> {
    let depot = ctx.config.depots.get(depot);
    let found = depot.and_then(|depot| {
        let flow = depot.flow(flow)?.clone();
        let Direction::Out(out) = flow.direction.clone() else {
            return None;
        };
        let depot = depot.clone();
        Some(Way { depot, flow, out })
    });
    found.ok_or_else(|| {
        Fault::new(
            Code::Unavailable,
            "Le dépôt des retours n'est plus configuré.",
        )
    })
}

/// The name of a return's file: what it answers as far as that makes a plain name, then the return's id, which makes it the
/// only one of its name and leads from its acknowledgment back to it.
pub fn file_name(answers: &str, return_id: Uuid, way: &Way) -> String {
    let is_ascii = matches!(way.depot.transport, Transport::Cft(_));
    let suffix = way.out.format.as_str();
    match plain_stem(answers, is_ascii) {
        stem if stem.is_empty() => format!("retour-{return_id}.{suffix}"),
        stem => format!("{stem}-{return_id}.{suffix}"),
    }
}

/// As much of a name as a file's may hold. A monitor would spell what is no ASCII: the partner could not answer by the name that we
/// know.
fn plain_stem(name: &str, is_ascii: bool) -> String {
    let keep = |c: char| match c {
        '-' | '_' | '.' => true,
        c if is_ascii => c.is_ascii_alphanumeric(),
        c => c.is_alphanumeric(),
    };
    let plain = |c: char| if keep(c) { c } else { '_' };
    let mut stem: String = name.chars().map(plain).collect();
    stem.truncate(stem.floor_char_boundary(STEM));
    stem.trim_start_matches('.').to_owned()
}

/// An archive's file name without the suffix of its format.
pub fn stem(name: &str) -> &str {
    let suffixes = [".tar.gz", ".tgz", ".zip", ".tar", ".gz"];
    let lower = name.to_ascii_lowercase();
    let found = suffixes.iter().find(|suffix| lower.ends_with(*suffix));
    // The suffixes are ASCII, so the cut is at a character's border.
    found.map_or(name, |suffix| &name[..name.len() - suffix.len()])
}

/// What has a return archive sent: the statements of its document, its file and its job.
pub fn queued(
    ctx: &Context,
    exchange: &ExchangeRow,
    key: &Key,
    package: (&Way, Uuid, &str, &DocumentRow),
    now: Timestamp,
) -> Result<Vec<Prepared>> {
    let (way, return_id, name, document) = package;
    let file = ReturnFileRow {
        return_id,
        exchange_id: exchange.id,
        owner: exchange.owner.clone(),
        depot: way.depot.name.clone(),
        flow: way.flow.name.clone(),
        document_id: document.id,
        name: documents::seal_bytes(ctx, key, Column::ReturnName, name.as_bytes())?,
        sent_at: None,
        deadline_at: None,
        overdue_at: None,
    };
    let lane = jobs::depot_lane(&file.depot);
    let job = jobs::new(
        ctx,
        Kind::SendReturn,
        &lane,
        return_id,
        &exchange.owner,
        now,
    )?;
    Ok(vec![
        exchanges::insert_document(document),
        return_files::insert(&file),
        job_rows::queue(&job, now),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returns_name_keeps_a_hundred_bytes_of_what_it_answers() {
        let named = |name: &str| plain_stem(name, false);
        assert_eq!(named(&"漢".repeat(90)), "漢".repeat(33));
        assert_eq!(named(&"a".repeat(150)), "a".repeat(100));
        assert_eq!(named("..été 42/b"), "été_42_b");
        assert_eq!(plain_stem("été 42", true), "_t__42");
    }

    #[test]
    fn an_archives_suffix_is_no_part_of_what_its_return_is_called_after() {
        for (name, stemmed) in [
            ("LOT42.zip", "LOT42"),
            ("LOT42.TAR.GZ", "LOT42"),
            ("lot.42.tgz", "lot.42"),
            ("été.tar", "été"),
            ("sans", "sans"),
        ] {
            assert_eq!(stem(name), stemmed);
        }
    }
}
