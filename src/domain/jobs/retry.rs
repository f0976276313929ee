//! The revival of jobs that were given up: an operator's decision, kept in the journal with name and reason (TRC-4).

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::Kind;
use crate::{
    domain::{
        Operator,
        exchanges::Status,
        journal::{self, Kind as EntryKind, Subject},
    },
    kernel::fault::{Code, Fault, Result},
    storage::{
        exchanges,
        journal::EntryRow,
        piece_results,
        replay::{self, ListedJob, Wanted},
        returns, targets,
    },
};

/// How many jobs are looked up at once.
const PAGE: u32 = 200;

impl Operator {
    /// Has one job tried again. Fails with `not-found` where there is none of that id, with `usage` where it was not
    /// given up.
    pub async fn retry(&self, id: Uuid) -> Result<ListedJob> {
        let found = self.store.read(move |tx| replay::find(tx, id)).await?;
        let job = found.ok_or_else(|| {
            Fault::new(
                Code::NotFound,
                format!("no job {id}; see `navette job list`"),
            )
        })?;
        match self.revive(&job).await? {
            true => Ok(job),
            false => Err(Fault::new(
                Code::Usage,
                format!("job {id} was not given up: it runs by itself"),
            )),
        }
    }

    /// Has every job tried again that was given up before now, of one project or of all; answers them. One that is given
    /// up again meanwhile is not taken twice.
    pub async fn retry_all(&self, project: &str) -> Result<Vec<ListedJob>> {
        let wanted = Wanted {
            state: "failed".to_owned(),
            project: project.to_owned(),
            before: Some(self.clock.now()),
        };
        let mut revived = Vec::new();
        loop {
            let wanted = wanted.clone();
            let page = self
                .store
                .read(move |tx| replay::list(tx, &wanted, PAGE))
                .await?;
            if page.is_empty() {
                return Ok(revived);
            }
            for job in page {
                if self.revive(&job).await? {
                    revived.push(job);
                }
            }
        }
    }

    /// Queues the job again; its return, where it has one, is pending again. `false` where another was faster.
    async fn revive(&self, job: &ListedJob) -> Result<bool> {
        let (entry, now) = (self.entry(job)?, self.clock.now());
        let job = job.clone();
        self.store
            .write(move |tx| write(tx, &job, &entry, now))
            .await
    }

    fn entry(&self, job: &ListedJob) -> Result<EntryRow> {
        let subject = Subject {
            exchange_id: job.exchange_id,
            project: Some(job.project.clone()).filter(|project| !project.is_empty()),
            owner: job.owner.clone(),
        };
        let detail = json!({
            "jobId": job.job.id,
            "kind": job.job.kind,
            "operator": self.name,
            "reason": self.reason,
        });
        journal::entry(
            &self.clock,
            &self.entropy,
            EntryKind::JobRetried,
            subject,
            detail,
        )
    }
}

fn write(
    tx: &mut crate::storage::Tx<'_>,
    job: &ListedJob,
    entry: &EntryRow,
    now: Timestamp,
) -> Result<bool> {
    if !replay::revive(tx, job.job.id, now)? {
        return Ok(false);
    }
    if let Some(exchange) = job.exchange_id {
        prepared(tx, job, exchange, now)?;
    }
    crate::storage::journal::append(tx, entry)?;
    Ok(true)
}

/// What a job finds when it runs again: its return pending, its archive's pieces as if nothing had been done to them.
fn prepared(
    tx: &mut crate::storage::Tx<'_>,
    job: &ListedJob,
    exchange: Uuid,
    now: Timestamp,
) -> Result<()> {
    match Kind::parse(&job.job.kind)? {
        Kind::Deliver | Kind::SendReturn => {
            returns::revive(tx, job.job.subject, now)?;
            exchanges::set_status(tx, exchange, Status::Returned.as_str())?;
            targets::probe_now(tx, &job.project, now)
        }
        Kind::ProcessArchive => piece_results::forget(tx, exchange),
        _ => Ok(()),
    }
}
