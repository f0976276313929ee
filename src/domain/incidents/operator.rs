//! What an operator does about an incident: takes note, records a call, resolves. The journal keeps who and why (TRC-4).

use serde_json::json;
use uuid::Uuid;

use super::{
    Code as What,
    news::{Desk, News},
};
use crate::{
    config::Config,
    domain::{
        Operator,
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Code, Fault, Result},
    storage::{
        Tx,
        incidents::{self, Call, IncidentRow},
        journal::{EntryRow, append},
    },
};

/// Takes note of an open incident. Fails with `not-found` where there is none of that id, with `usage` where it is not open.
pub async fn acknowledge(operator: &Operator, config: &Config, id: Uuid) -> Result<IncidentRow> {
    let (now, by) = (operator.clock.now(), operator.name.clone());
    let write = move |tx: &mut Tx<'_>| incidents::acknowledge(tx, id, now, &by);
    step(
        (operator, config),
        id,
        Kind::IncidentAcknowledged,
        "open",
        write,
    )
    .await
}

/// Resolves an incident by hand. Fails with `not-found` where there is none of that id, with `usage` where it is resolved.
pub async fn resolve(operator: &Operator, config: &Config, id: Uuid) -> Result<IncidentRow> {
    let (now, by) = (operator.clock.now(), operator.name.clone());
    let write = move |tx: &mut Tx<'_>| incidents::resolve(tx, id, now, Some(&by));
    step(
        (operator, config),
        id,
        Kind::IncidentResolved,
        "unresolved",
        write,
    )
    .await
}

/// Keeps the record of a call about an incident; `operator.reason` says what came of it. Fails with `not-found`.
pub async fn called(operator: &Operator, config: &Config, id: Uuid) -> Result<IncidentRow> {
    let call = Call {
        at: operator.clock.now(),
        by: operator.name.clone(),
        note: operator.reason.clone().unwrap_or_default(),
    };
    let write = move |tx: &mut Tx<'_>| incidents::called(tx, id, &call);
    step((operator, config), id, Kind::IncidentCalled, "there", write).await
}

/// The incident of that id. Fails with `not-found`.
pub async fn find(operator: &Operator, id: Uuid) -> Result<IncidentRow> {
    let found = operator
        .store
        .read(move |tx| incidents::find(tx, id))
        .await?;
    found.ok_or_else(|| {
        let detail = format!("no incident {id}; see `navette incident list`");
        Fault::new(Code::NotFound, detail)
    })
}

/// Writes one step and its entry; the incident as it stands after.
async fn step<F>(
    (operator, config): (&Operator, &Config),
    id: Uuid,
    kind: Kind,
    must_be: &str,
    mut write: F,
) -> Result<IncidentRow>
where
    F: FnMut(&mut Tx<'_>) -> Result<bool> + Send + 'static,
{
    let incident = find(operator, id).await?;
    let (entry, news) = (
        entry(operator, kind, &incident)?,
        news(operator, config, &incident)?,
    );
    let written = operator.store.write(move |tx| {
        let changed = write(tx)?;
        if changed {
            append(tx, &entry)?;
            news.queue_push(tx, entry.at)?;
        }
        Ok(changed)
    });
    match written.await? {
        true => find(operator, id).await,
        false => Err(Fault::new(
            Code::Usage,
            format!("incident {id} is not {must_be}"),
        )),
    }
}

fn news(operator: &Operator, config: &Config, incident: &IncidentRow) -> Result<News> {
    let desk = Desk {
        config,
        clock: &operator.clock,
        entropy: &operator.entropy,
    };
    let code = What::parse(&incident.code).ok();
    let project = incident.project.as_deref();
    News::of(&desk, incident.id, code, project, &incident.owner)
}

fn entry(operator: &Operator, kind: Kind, incident: &IncidentRow) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: incident.exchange_id,
        project: incident.project.clone(),
        owner: incident.owner.clone(),
    };
    let detail = json!({
        "incidentId": incident.id,
        "code": incident.code,
        "operator": operator.name,
        "reason": operator.reason,
    });
    journal::entry(&operator.clock, &operator.entropy, kind, subject, detail)
}
