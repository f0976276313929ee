//! Lanes that the settings no longer name: a project or a depot was taken away or renamed, and what waits for it is taken by
//! nobody. One incident for each, until the settings name it again or nothing waits there any more.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Cause, Clearing, Code, State, Ticket, clear, prepare};
use crate::{
    domain::{Context, jobs},
    kernel::fault::Result,
    storage::{
        incidents::{self, Filter, IncidentRow},
        jobs::Depth,
    },
};

/// How long a job is past its time before nobody is said to take it: while settings are changed one process after the other,
/// another one may still, or already, serve its lane.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// More lanes than a house has.
const MOST: u32 = 10_000;

/// Looks at what waits: `depths` is how many jobs stand in each lane, `named` the lanes of the settings.
pub async fn look(ctx: &Context, depths: &[Depth], named: &HashSet<String>) -> Result<()> {
    let standing = standing(ctx).await?;
    let stands = |cause: &Cause| standing.iter().any(|row| row.id == cause.id());
    let opened = unserved(depths, named, ctx.clock.now())
        .filter(|depth| !stands(&cause(ctx, &depth.lane)))
        .map(|depth| ticket(ctx, depth));
    let opened: Vec<Ticket> = opened.collect::<Result<_>>()?;
    let over = standing.iter().filter_map(lane);
    let now = ctx.clock.now();
    let over = over.filter(|lane| match named.contains(*lane) {
        true => !depths
            .iter()
            .any(|depth| depth.lane == *lane && is_late(depth, now)),
        false => !waits(depths, lane),
    });
    let over = over.map(|lane| clear(ctx, &cause(ctx, lane)));
    let over: Vec<Clearing> = over.collect::<Result<_>>()?;
    if opened.is_empty() && over.is_empty() {
        return Ok(());
    }
    let written = ctx.store.write(move |tx| {
        over.iter().try_for_each(|over| over.close(tx).map(drop))?;
        opened
            .iter()
            .try_for_each(|ticket| ticket.open(tx).map(drop))
    });
    written.await
}

/// What waits in lanes that nobody serves, past its time.
fn unserved<'a>(
    depths: &'a [Depth],
    named: &'a HashSet<String>,
    now: Timestamp,
) -> impl Iterator<Item = &'a Depth> {
    let late = depths.iter().filter(move |depth| is_late(depth, now));
    late.filter(|depth| !named.contains(&depth.lane))
}

/// Whether somebody should have taken what waits: a process that knows its lane may have more to do than it can, while another
/// does not know it yet.
fn is_late(depth: &Depth, now: Timestamp) -> bool {
    depth.is_queued() && now.duration_since(depth.due) >= PATIENCE
}

fn waits(depths: &[Depth], lane: &str) -> bool {
    let mut queued = depths.iter().filter(|depth| depth.is_queued());
    queued.any(|depth| depth.lane == lane)
}

/// The incidents of this kind that are not over.
async fn standing(ctx: &Context) -> Result<Vec<IncidentRow>> {
    let states = [State::Open, State::Acknowledged].map(|state| state.as_str().to_owned());
    let filter = Filter {
        states: Some(states.into()),
        code: Some(Code::LaneUnserved.as_str().to_owned()),
        ..Filter::default()
    };
    let found = ctx.store.read(move |tx| incidents::list(tx, &filter, MOST));
    found.await
}

/// The lane that an incident is about.
fn lane(row: &IncidentRow) -> Option<&str> {
    row.detail["lane"].as_str()
}

fn ticket(ctx: &Context, depth: &Depth) -> Result<Ticket> {
    let detail = json!({ "lane": depth.lane, "jobs": depth.count });
    prepare(ctx, cause(ctx, &depth.lane), detail)
}

/// Of its project, where the lane is one's; a depot may have several.
fn cause(ctx: &Context, lane: &str) -> Cause {
    match jobs::project_of_lane(lane) {
        Some(project) => Cause::of_project(ctx, Code::LaneUnserved, project),
        None => Cause::of_house(ctx, Code::LaneUnserved, lane),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-01T12:00:00Z";

    fn depth(lane: &str, state: &str, due: &str) -> Depth {
        let due = due.parse().unwrap();
        Depth {
            lane: lane.to_owned(),
            state: state.to_owned(),
            count: 1,
            oldest: due,
            due,
        }
    }

    #[test]
    fn what_is_past_its_time_in_a_lane_that_no_setting_names_is_told_and_nothing_else() {
        let named = HashSet::from(["deliver:a".to_owned()]);
        let long_ago = "2026-03-01T11:00:00Z";
        let depths = [
            depth("deliver:a", "queued", long_ago),
            depth("deliver:gone", "queued", long_ago),
            depth("deliver:later", "queued", "2026-03-01T13:00:00Z"),
            depth("deliver:just", "queued", "2026-03-01T11:59:55Z"),
            depth("depot:gone", "failed", long_ago),
        ];
        let told = unserved(&depths, &named, NOW.parse().unwrap());
        let told: Vec<_> = told.map(|depth| &*depth.lane).collect();
        assert_eq!(told, ["deliver:gone"]);
    }
}
