//! Contents that are not what was announced (TRC-2): one incident for each client in each project, until a content of that client's
//! there is what its hash says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;

use super::admission::Admission;
use crate::{
    domain::{
        Context,
        access::Client,
        incidents::{self, Cause, Code as Anomaly, Ticket},
    },
    kernel::fault::Result,
};

/// How long a client is taken for sound once it was found so: another process may have met it since.
const SOUND_FOR: Duration = Duration::from_secs(60);

/// A sending that said which hash its content has.
pub struct Announcement {
    client: Arc<Client>,
    project: String,
}

impl Announcement {
    /// That of a sending, where it made one.
    pub fn of(admission: &Admission) -> Option<Self> {
        admission.metadata.hash.as_ref().map(|_| Self {
            client: Arc::clone(&admission.client),
            project: admission.project.name.clone(),
        })
    }

    fn key(&self) -> Key {
        key(&self.client, &self.project)
    }
}

/// A client's id and a project.
type Key = (String, String);

fn key(client: &Client, project: &str) -> Key {
    (client.client_id.clone(), project.to_owned())
}

/// What this process knows of its clients.
#[derive(Debug, Default)]
pub struct Announced {
    /// Of whom no incident stood open, and when: the database is not asked for each of their pieces.
    sound: Mutex<HashMap<Key, Instant>>,
}

impl Announced {
    /// Notes that the incident of a client stands open in a project.
    pub(super) fn broken(&self, client: &Client, project: &str) {
        self.sound().remove(&key(client, project));
    }

    /// Resolves the incident of a client whose content is what it had announced, once that was taken in.
    pub async fn kept(&self, ctx: &Context, announcement: &Announcement) {
        if !self.begin(announcement.key()) {
            return;
        }
        if let Err(error) = resolved(ctx, announcement).await {
            self.sound().remove(&announcement.key());
            tracing::warn!(%error, "the incident of an altered content could not be resolved; the next piece tries again");
        }
    }

    /// Whether the database is to be asked; from now on it is not, for a while.
    fn begin(&self, key: Key) -> bool {
        let (now, mut sound) = (Instant::now(), self.sound());
        let is_known = |since: &Instant| now.duration_since(*since) < SOUND_FOR;
        if sound.get(&key).is_some_and(is_known) {
            return false;
        }
        sound.insert(key, now);
        true
    }

    fn sound(&self) -> MutexGuard<'_, HashMap<Key, Instant>> {
        // Whole entries are in order whatever happened to the thread that held them.
        self.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn resolved(ctx: &Context, announcement: &Announcement) -> Result<()> {
    let cause = cause(ctx, &announcement.client, &announcement.project);
    if incidents::standing(ctx, &cause).await?.is_none() {
        return Ok(());
    }
    let over = incidents::clear(ctx, &cause)?;
    ctx.store.write(move |tx| over.close(tx).map(drop)).await
}

/// The incident of a client whose contents do not arrive as announced, one for each project.
pub(super) fn mismatch(
    ctx: &Context,
    client: &Client,
    project: Option<&str>,
) -> Result<Option<Ticket>> {
    // A name that no project has is the sender's text: it belongs in no incident.
    let Some(project) = project.filter(|name| ctx.config.projects.contains_key(*name)) else {
        return Ok(None);
    };
    let cause = cause(ctx, client, project);
    incidents::prepare(ctx, cause, json!({ "clientId": client.client_id })).map(Some)
}

fn cause(ctx: &Context, client: &Client, project: &str) -> Cause {
    Cause {
        code: Anomaly::HashMismatch,
        project: Some(project.to_owned()),
        owner: ctx.owner(&client.partner),
        exchange_id: None,
        subject: client.client_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(client: &str) -> Key {
        (client.to_owned(), "marche-1".to_owned())
    }

    #[test]
    fn a_client_that_was_found_sound_is_not_asked_about_until_it_is_not_or_a_minute_has_gone() {
        let announced = Announced::default();
        assert!(announced.begin(of("isis")));
        assert!(!announced.begin(of("isis")));
        assert!(announced.begin(of("osiris")));
        announced.sound().remove(&of("isis"));
        assert!(announced.begin(of("isis")));
        let past = Instant::now()
            .checked_sub(SOUND_FOR)
            .expect("the machine runs for a minute");
        announced.sound().insert(of("isis"), past);
        assert!(announced.begin(of("isis")));
    }
}
