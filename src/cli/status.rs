//! `navette status`: where a piece stands and how it came there.

use clap::Args;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Answer, Settings, connection::Connection, output};
use crate::{
    app::House,
    domain::pieces::timeline,
    kernel::fault::{Code, Fault, Result},
    outbound::piece_api::PieceApi,
};

/// Shows a piece: its metadata, its controls, its return, its trace.
///
/// By the API it is what the sender may see. With --local it is read from the gateway's own database, whoever sent it, and
/// shows every delivery attempt and the partner's acknowledgment too.
///
/// Example: navette status 019aa5d6-5b7a-7f3e-8e3c-2f1f7c9f3a10 --local
#[derive(Args)]
pub struct StatusArgs {
    /// The piece's reconciliation id.
    id: Uuid,
    /// Read the database of the settings instead of calling the API.
    #[arg(long)]
    local: bool,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(settings: &Settings, args: StatusArgs) -> Result<Answer> {
    let story = match args.local {
        true => local(settings, args.id).await?,
        false => remote(&args).await?,
    };
    output::either(args.json, &story, || text(&story));
    Ok(Answer::Yes)
}

async fn local(settings: &Settings, id: Uuid) -> Result<Json> {
    let house = House::open_read_only(settings.load()?).await?;
    let story = timeline::timeline(&house.ctx, id).await?;
    serde_json::to_value(story).map_err(Fault::internal)
}

async fn remote(args: &StatusArgs) -> Result<Json> {
    let api = args.connection.open().await?;
    let path = format!("/v1/pieces/{}", args.id);
    let piece = read(&api, &path).await?;
    let events = read(&api, &format!("{path}/events")).await?;
    Ok(json!({ "piece": piece, "events": events["items"] }))
}

async fn read(api: &PieceApi, path: &str) -> Result<Json> {
    let answer = api.get(path, "application/json").await?;
    let said = answer.json();
    let detail = || said["detail"].as_str().unwrap_or("no answer").to_owned();
    match answer.status {
        200 => Ok(said),
        404 => Err(Fault::new(Code::NotFound, detail())),
        _ if answer.is_worth_again() => Err(Fault::new(Code::Unavailable, detail())),
        status => Err(Fault::new(
            Code::Usage,
            format!("status {status}: {}", detail()),
        )),
    }
}

fn text(story: &Json) -> String {
    let piece = &story["piece"];
    let mut lines = vec![format!(
        "{}  {}",
        plain(&piece["reconciliationId"]),
        plain(&piece["status"])
    )];
    let mut field = |name: &str, value: &Json| lines.push(format!("  {name:<12} {}", plain(value)));
    field("received", &piece["receivedAt"]);
    field("size", &piece["size"]);
    field("sha256", &piece["sha256"]);
    for (name, value) in piece["metadata"].as_object().into_iter().flatten() {
        field(name, value);
    }
    if piece["return"].is_object() {
        field("return", &piece["return"]["outcome"]);
        field("delivery", &piece["return"]["state"]);
        field("attempts", &piece["return"]["attempts"]);
        field("next attempt", &piece["return"]["nextAttemptAt"]);
    }
    list(&mut lines, "controls", &piece["controls"], |control| {
        [&control["code"], &control["outcome"], &control["detail"]].map(plain)
    });
    list(&mut lines, "events", &story["events"], |event| {
        [&event["at"], &event["kind"], &event["detail"]].map(plain)
    });
    list(&mut lines, "attempts", &story["attempts"], attempt);
    list(
        &mut lines,
        "redeliveries",
        &story["redeliveries"],
        |asked| {
            let [at, by] = [&asked["requestedAt"], &asked["requestedBy"]].map(plain);
            [at, by, plain(&asked["reason"])]
        },
    );
    let proof = &story["acknowledgment"];
    if proof.is_object() {
        lines.push("acknowledgment".to_owned());
        for (name, value) in proof.as_object().into_iter().flatten() {
            lines.push(format!("  {name}: {}", plain(value)));
        }
    }
    lines.join("\n")
}

/// Date, code and duration, then why it failed, then how the answer begins.
fn attempt(attempt: &Json) -> [String; 3] {
    let when = format!(
        "{}  {}  {} ms",
        plain(&attempt["at"]),
        plain(&attempt["httpStatus"]),
        plain(&attempt["durationMs"])
    );
    let answer = plain(&attempt["answer"]);
    let start: String = answer
        .chars()
        .filter(|c| !c.is_control())
        .take(60)
        .collect();
    [when, plain(&attempt["failure"]), start]
}

fn list(lines: &mut Vec<String>, title: &str, items: &Json, row: impl Fn(&Json) -> [String; 3]) {
    let items = items.as_array().filter(|items| !items.is_empty());
    let Some(items) = items else { return };
    lines.push(title.to_owned());
    lines.extend(items.iter().map(|item| {
        let [first, second, third] = row(item);
        format!("  {first}  {second}  {third}")
    }));
}

/// A value without the quotes of JSON.
fn plain(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
