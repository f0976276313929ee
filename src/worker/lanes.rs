//! The lanes of a worker: how many jobs of each run at once in this process, and how long each may take.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    config::{CONTACTS, Config, Depot, Project},
    domain::{incidents::herald, jobs},
};

/// How many mails, and how many pushes to ticketing tools, leave at once.
const NEWS: usize = 4;
/// What a delivery needs beside the partner's answer: its body opened, its connection made.
const SETTLING: Duration = Duration::from_secs(10);

/// What is done on a depot leaves a silent one by itself: this is for what goes on and on.
const ON_DEPOT: Duration = Duration::from_secs(6 * 3600);

/// How many exchanges go on as télédossiers at once.
const FORWARDS: usize = 4;
/// How many archives are processed at once; each has several pieces worked on.
const ARCHIVES: usize = 4;
/// How long the return of an archive may take to be written.
const RETURN: Duration = Duration::from_secs(3600);

/// One lane.
pub(super) struct Lane {
    room: Arc<Semaphore>,
    /// How long one job may take.
    pub(super) deadline: Duration,
}

impl Lane {
    fn new(seats: usize, deadline: Duration) -> Self {
        Self {
            room: Arc::new(Semaphore::new(seats)),
            deadline,
        }
    }

    /// Every free seat, taken.
    pub(super) fn seats(&self) -> Vec<OwnedSemaphorePermit> {
        std::iter::from_fn(|| self.room.clone().try_acquire_owned().ok()).collect()
    }

    pub(super) fn has_room(&self) -> bool {
        self.room.available_permits() > 0
    }
}

/// Every lane of the settings: processing, scans, one of deliveries per project, the news of incidents,
/// archives, each depot.
pub(super) fn all(config: &Config) -> HashMap<String, Lane> {
    let settings = &config.gateway.worker;
    let process = Lane::new(settings.processing, settings.job_deadline);
    let delivery = |project: &Arc<Project>| {
        let timeout = project.callback.as_ref().map(|callback| callback.timeout);
        let deadline = timeout.unwrap_or_default() + SETTLING;
        let lane = Lane::new(settings.deliveries, deadline);
        (jobs::delivery_lane(&project.name), lane)
    };
    let mut lanes: HashMap<_, _> = config.projects.values().map(delivery).collect();
    let depot = |depot: &Arc<Depot>| {
        let lane = Lane::new(depot.connections, ON_DEPOT);
        (jobs::depot_lane(&depot.name), lane)
    };
    lanes.extend(config.depots.values().map(depot));
    let archive = Lane::new(ARCHIVES, settings.job_deadline.max(RETURN));
    lanes.insert(jobs::ARCHIVE_LANE.to_owned(), archive);
    lanes.insert(jobs::PROCESS_LANE.to_owned(), process);
    let antivirus = config.gateway.antivirus.as_ref();
    let scan = antivirus.map_or(Lane::new(1, SETTLING), |antivirus| {
        Lane::new(antivirus.at_once, antivirus.timeout + SETTLING)
    });
    lanes.insert(jobs::SCAN_LANE.to_owned(), scan);
    let mail = config.gateway.smtp.as_ref().map(|smtp| smtp.timeout);
    let mail = mail.unwrap_or_default() * CONTACTS as u32 + SETTLING;
    lanes.insert(jobs::MAIL_LANE.to_owned(), Lane::new(NEWS, mail));
    let ticket = Lane::new(NEWS, herald::PUSH + SETTLING);
    lanes.insert(jobs::TICKET_LANE.to_owned(), ticket);
    let forward = Lane::new(FORWARDS, ON_DEPOT);
    lanes.insert(jobs::FORWARD_LANE.to_owned(), forward);
    lanes.insert(jobs::DEADLINE_LANE.to_owned(), Lane::new(NEWS, SETTLING));
    lanes
}
