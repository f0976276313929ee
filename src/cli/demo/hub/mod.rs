//! `navette demo --hub`: a whole télédossier before your eyes, by the calls that deployed software makes.
//!
//! The referential of the fixtures is imported ([`world`]); the OSL of a process creates a folder, uploads its files and
//! completes it; a subscriber polls, reads, downloads, answers with events and a file of its own; the OSL reads the answer
//! and closes. Then a piece that is sent to the project's API goes on as a télédossier by itself. [`story`] prints what the
//! journal says of both.

mod caller;
mod story;
mod world;

use std::time::{Duration, Instant};

use bytes::Bytes;
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::time::sleep;

pub use self::world::World;
use self::{
    caller::Caller,
    story::{Act, Story},
};
use super::{
    super::Answer,
    application::Application,
    document::Document,
    gateway,
    stage::{self, Stage},
};
use crate::kernel::{
    clock::Clock,
    digest::sha256,
    fault::{Code, Fault, Result},
};

/// The files of the folder, and the one that the subscriber answers with.
const FILES: [&str; 2] = ["fixtures/facture.pdf", "fixtures/attestation-2-pages.pdf"];
/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Where folders and cases are.
const ROOT: &str = "/teledossiers/v1";

/// A file, its name and its bytes.
struct File {
    name: String,
    bytes: Bytes,
}

impl File {
    fn read(path: &str) -> Result<Self> {
        Ok(Self {
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            bytes: stage::read(std::path::Path::new(path))?.into(),
        })
    }

    fn digest(&self) -> String {
        BASE64.encode(&sha256(&self.bytes))
    }

    fn metadata(&self, kind: &str) -> Value {
        json!({ "fileName": self.name, "type": kind, "size": self.bytes.len(), "mimeType": "application/pdf" })
    }
}

/// Plays it, and tells it. The gateway runs, the referential is imported.
pub async fn perform(stage: &Stage, world: &World) -> Result<Answer> {
    let (osl, si) = world.sign_in(stage).await?;
    story::opening(stage, world);
    let mut story = Story::default();
    let files = FILES
        .map(File::read)
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let (folder, case) = deposited(&osl, world, &files, &mut story).await?;
    let notification = taken(&si, &case, &files, started, &mut story).await?;
    let event = answered(&si, world, &case, &files[0], &mut story).await?;
    si.delete(&format!("{ROOT}/notifications/{notification}"))
        .await?;
    story.tells(Act::Si, "deletes the notification");
    read_back(&osl, &case, &event, &files[0], &mut story).await?;
    closed(&osl, &si, &folder, &case, &mut story).await?;
    let trace = gateway::run(stage, &["hubee", "trace", &folder, "--json"]).await?;
    story.timeline(
        "the télédossier's timeline, as the journal has it",
        &trace["events"],
    );
    forwarded(stage, &osl, &si, &mut story).await?;
    let answer = story.end(started.elapsed());
    story::where_next(stage);
    Ok(answer)
}

/// The OSL creates, uploads and completes; answers the folder's id and its case's.
async fn deposited(
    osl: &Caller,
    world: &World,
    files: &[File],
    story: &mut Story,
) -> Result<(String, String)> {
    let external = format!("DEMO-{}", Clock::system().now_micros());
    let case = format!("{external}-01");
    let attachments: Vec<Value> = files
        .iter()
        .map(|file| {
            let mut said = file.metadata(&world.kind);
            said["recipients"] = json!([case]);
            said
        })
        .collect();
    let body = json!({
        "externalId": external,
        "processCode": world.process,
        "applicant": { "firstName": "Camille", "lastName": "Exemple", "email": null },
        "cases": [{ "externalId": case, "recipient": world.si, "partnerAttributes": null }],
        "attachments": attachments,
    });
    let made = osl.post(&format!("{ROOT}/folders"), &body).await?;
    let folder = text(&made["id"]);
    story.tells(Act::Osl, &format!("creates folder {folder} ({external})"));
    let there = made["attachments"].as_array().into_iter().flatten();
    for (attachment, file) in there.zip(files) {
        let path = format!(
            "{ROOT}/folders/{folder}/attachments/{}",
            text(&attachment["id"])
        );
        osl.upload(&path, file.bytes.clone(), &file.digest())
            .await?;
        story.tells(
            Act::Osl,
            &format!("uploads {}, {} bytes", file.name, file.bytes.len()),
        );
    }
    let completed = json!({ "globalStatus": "HUBEE_COMPLETED" });
    osl.patch(&format!("{ROOT}/folders/{folder}"), &completed)
        .await?;
    story.tells(Act::Osl, "completes it");
    Ok((folder, text(&made["cases"][0]["id"])))
}

/// The subscriber polls, reads and downloads; answers the notification's id.
async fn taken(
    si: &Caller,
    case: &str,
    files: &[File],
    started: Instant,
    story: &mut Story,
) -> Result<String> {
    let notified = notification(si, |one| one["caseId"] == case).await?;
    let took = started.elapsed().as_millis();
    story.tells(
        Act::Si,
        &format!("is notified, {took} ms after the first call"),
    );
    let said = si.get(&format!("{ROOT}/cases/{case}")).await?;
    story.tells(
        Act::Si,
        &format!("reads case {case}: {}", text(&said["status"])),
    );
    let there = said["attachments"].as_array().into_iter().flatten();
    for (attachment, file) in there.zip(files) {
        let path = format!(
            "{ROOT}/cases/{case}/attachments/{}",
            text(&attachment["id"])
        );
        let (bytes, digest) = si.download(&path).await?;
        story.checks(
            &format!("{} arrived byte for byte, under its digest", file.name),
            bytes == file.bytes && digest.ends_with(&file.digest()),
        );
    }
    Ok(text(&notified["id"]))
}

/// The subscriber takes the case in hand and answers with a file; answers the event's id.
async fn answered(
    si: &Caller,
    world: &World,
    case: &str,
    file: &File,
    story: &mut Story,
) -> Result<String> {
    let events = format!("{ROOT}/cases/{case}/events");
    si.post(&events, &event("STATUS_UPDATE", Some("IN_PROGRESS"), &[]))
        .await?;
    story.tells(Act::Si, "takes it in hand: IN_PROGRESS");
    let deposit = event("ATTACH_DEPOSIT", None, &[file.metadata(&world.kind)]);
    let made = si.post(&events, &deposit).await?;
    let id = text(&made["id"]);
    let attachment = text(&made["attachments"][0]["id"]);
    let path = format!("{events}/{id}/attachments/{attachment}");
    si.upload(&path, file.bytes.clone(), &file.digest()).await?;
    si.patch(&format!("{events}/{id}"), &json!({ "status": "SENT" }))
        .await?;
    story.tells(Act::Si, &format!("answers with {}, in an event", file.name));
    Ok(id)
}

/// The OSL is notified, reads the answer and acknowledges it.
async fn read_back(
    osl: &Caller,
    case: &str,
    event: &str,
    file: &File,
    story: &mut Story,
) -> Result<()> {
    notification(osl, |one| one["eventId"] == event).await?;
    let path = format!("{ROOT}/cases/{case}/events/{event}");
    let said = osl.get(&path).await?;
    let attachment = text(&said["attachments"][0]["id"]);
    let (bytes, _) = osl
        .download(&format!("{path}/attachments/{attachment}"))
        .await?;
    story.checks(
        "the answer's file arrived byte for byte",
        bytes == file.bytes,
    );
    osl.patch(&path, &json!({ "status": "RECEIVED" })).await?;
    story.tells(
        Act::Osl,
        "is notified, reads the answer and acknowledges it",
    );
    Ok(())
}

/// The subscriber is done; the OSL closes case and folder.
async fn closed(
    osl: &Caller,
    si: &Caller,
    folder: &str,
    case: &str,
    story: &mut Story,
) -> Result<()> {
    let path = format!("{ROOT}/cases/{case}");
    si.post(
        &format!("{path}/events"),
        &event("STATUS_UPDATE", Some("DONE"), &[]),
    )
    .await?;
    story.tells(Act::Si, "is done: DONE");
    osl.patch(&path, &json!({ "status": "CLOSED" })).await?;
    osl.patch(
        &format!("{ROOT}/folders/{folder}"),
        &json!({ "globalStatus": "CLOSED" }),
    )
    .await?;
    let said = osl.get(&format!("{ROOT}/folders/{folder}")).await?;
    story.tells(Act::Osl, "closes case and folder");
    story.checks(
        "folder and case are closed",
        said["globalStatus"] == "CLOSED" && said["cases"][0]["status"] == "CLOSED",
    );
    Ok(())
}

/// A piece that is sent to the API goes on as a télédossier; the subscriber sees it.
async fn forwarded(stage: &Stage, osl: &Caller, si: &Caller, story: &mut Story) -> Result<()> {
    let document = Document::read(std::path::Path::new(FILES[0]), 1)?;
    let application = Application::sign_in(stage).await?;
    let sent = application.send_all(&[document], &super::dossier()).await;
    let piece = sent
        .into_iter()
        .next()
        .unwrap_or_else(|| Err(Fault::internal("one piece was sent")))?;
    let path = format!("/v1/pieces/{}/events", piece.id);
    let events = waited("the folder of a piece", async || {
        let said = application.json(&path).await?;
        let mut events = said["items"].as_array().into_iter().flatten();
        let there = events.find(|event| event["kind"] == "exchange.forwarded");
        let folder = there.map(|event| text(&event["detail"]["folderId"]));
        Ok(folder.map(|folder| (folder, said["items"].clone())))
    });
    let (folder, events) = events.await?;
    story.forwarded(&piece.id, &events);
    let said = osl.get(&format!("{ROOT}/folders/{folder}")).await?;
    let case = text(&said["cases"][0]["id"]);
    notification(si, |one| one["caseId"] == case).await?;
    let case = si.get(&format!("{ROOT}/cases/{case}")).await?;
    let attributes = text(&case["partnerAttributes"]);
    story.checks(
        "the subscriber's case names the piece",
        attributes.contains(&piece.id),
    );
    Ok(())
}

fn event(action: &str, status: Option<&str>, attachments: &[Value]) -> Value {
    json!({
        "actionType": action,
        "author": "Agent instructeur",
        "message": null,
        "comment": null,
        "notification": true,
        "caseCurrentStatus": null,
        "caseNewStatus": status,
        "partnerAttributes": null,
        "attachments": attachments,
    })
}

/// The first notification that is wanted, once it is there.
async fn notification(caller: &Caller, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let path = format!("{ROOT}/notifications?maxResult=100");
    waited("a notification", async || {
        let said = caller.get(&path).await?;
        let all = said.as_array().cloned().unwrap_or_default();
        Ok(all.into_iter().find(&wanted))
    })
    .await
}

/// Looks again and again until there is something.
async fn waited<T>(what: &str, look: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let looking = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            sleep(LOOK).await;
        }
    };
    let late = || Fault::new(Code::Unavailable, format!("{what} did not come in time"));
    tokio::time::timeout(PATIENCE, looking)
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
