//! What waits, told every few seconds: a gauge for each lane, and an incident for one that nobody serves.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::lanes;
use crate::{
    domain::{Context, incidents::unserved},
    kernel::fault::Result,
    storage::{
        incidents,
        jobs::{self, Depth},
    },
};

/// How often the queue is measured.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// What this process has told of the queue.
pub(super) struct Gauges {
    /// The lanes of the settings.
    named: HashSet<String>,
    /// Every lane that was told of: a gauge that is not set keeps its last value.
    told: Mutex<BTreeSet<String>>,
}

impl Gauges {
    /// Of the lanes of the settings, and of whatever else is found.
    pub(super) fn new(ctx: &Context) -> Self {
        let named: HashSet<_> = lanes::all(&ctx.config).into_keys().collect();
        Self {
            told: Mutex::new(named.iter().cloned().collect()),
            named,
        }
    }

    /// Depth and age of every lane, empty ones and those of earlier settings too; incidents by state.
    pub(super) async fn measure(&self, ctx: &Context) -> Result<()> {
        let depths = ctx.store.read(jobs::depths).await?;
        self.tell(&depths, ctx.clock.now());
        standing(ctx).await?;
        unserved::look(ctx, &depths, &self.named).await
    }

    fn tell(&self, depths: &[Depth], now: Timestamp) {
        // A set of names is sound whatever happened to the thread that held it.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend(depths.iter().map(|depth| depth.lane.clone()));
        for lane in told.iter() {
            for state in ["queued", "failed"] {
                let mut depths = depths.iter();
                let found = depths.find(|depth| depth.lane == *lane && depth.state == state);
                set(lane, state, found, now);
            }
        }
    }
}

fn set(lane: &str, state: &'static str, found: Option<&Depth>, now: Timestamp) {
    let count = found.map_or(0, |depth| depth.count);
    let age = found.map_or(0.0, |depth| {
        now.duration_since(depth.oldest).as_secs_f64().max(0.0)
    });
    let labels = [("lane", lane.to_owned()), ("state", state.to_owned())];
    metrics::gauge!("navette_jobs", &labels).set(count as f64);
    metrics::gauge!("navette_jobs_oldest_seconds", &labels).set(age);
}

/// Incidents by state, those that are resolved apart.
async fn standing(ctx: &Context) -> Result<()> {
    let found = ctx.store.read(incidents::standing).await?;
    for state in ["open", "acknowledged"] {
        let count = found.iter().find(|(name, _)| name == state);
        let count = count.map_or(0, |(_, count)| *count);
        metrics::gauge!("navette_incidents", "state" => state).set(count as f64);
    }
    Ok(())
}
