//! What the demonstration of the hub prints.

use std::time::Duration;

use serde_json::Value;

use super::{
    super::{
        super::{Answer, output},
        stage::Stage,
        story::{at, look_at, short},
    },
    world::{REFERENTIAL, World},
};

/// Who acts.
#[derive(Clone, Copy)]
pub enum Act {
    /// The online service that deposits.
    Osl,
    /// The information system that takes.
    Si,
}

/// What was told so far, and whether all of it is as it must be.
#[derive(Default)]
pub struct Story {
    wrong: u32,
}

/// What runs, and who takes part.
pub fn opening(stage: &Stage, world: &World) {
    output::line(format!(
        "hub       {} (TLS, SQLite, local disk)",
        stage.hub_url("")
    ));
    output::line(format!("process   {}", world.process));
    output::line(format!("OSL       {}", world.osl));
    output::line(format!("SI        {}\n", world.si_id()));
}

impl Story {
    /// Somebody did something.
    pub fn tells(&mut self, act: Act, what: &str) {
        let who = match act {
            Act::Osl => "OSL",
            Act::Si => "SI",
        };
        output::line(format!("  {who:>9}  {what}"));
    }

    /// Something was checked.
    pub fn checks(&mut self, what: &str, holds: bool) {
        let word = if holds { "ok" } else { "NOT OK" };
        output::line(format!("  {word:>9}  {what}"));
        self.wrong += u32::from(!holds);
    }

    /// A trace, in milliseconds since its first event.
    pub fn timeline(&mut self, title: &str, events: &Value) {
        output::line(format!("\n{title}"));
        let events = events.as_array().map(Vec::as_slice).unwrap_or_default();
        let first = events.first().and_then(at);
        for event in events {
            let since = at(event)
                .zip(first)
                .map(|(at, first)| at.duration_since(first));
            let since = since.map_or("?".to_owned(), |since| format!("+{} ms", since.as_millis()));
            let kind = event["kind"].as_str().unwrap_or_default();
            output::line(format!(
                "  {since:>9}  {}",
                in_words(kind, &event["detail"])
            ));
        }
        self.wrong += u32::from(events.is_empty());
    }

    /// A piece that went on as a télédossier.
    pub fn forwarded(&mut self, piece: &str, events: &Value) {
        output::line(format!(
            "\nOne id across both worlds: piece {piece}, sent to the API"
        ));
        self.timeline("its trace shows the folder that it went on as", events);
    }

    /// The sum of it.
    pub fn end(self, took: Duration) -> Answer {
        let (verdict, answer) = match self.wrong {
            0 => ("all as it must be", Answer::Yes),
            _ => ("NOT all as it must be: see above", Answer::No),
        };
        output::line(format!(
            "\na télédossier in {:.1} s, {verdict}\n",
            took.as_secs_f64()
        ));
        answer
    }
}

/// Where to look next.
pub fn where_next(stage: &Stage) {
    output::line("Where to look next");
    look_at("settings, [hubee] among them", &short(&stage.settings()));
    look_at("the referential that was imported", REFERENTIAL);
    look_at(
        "blobs (encrypted) and database",
        &short(&stage.path("data")),
    );
    look_at("the contracts", "schemas/openapi/hubee-*.yaml");
    look_at(
        "the daily batches, by hand",
        "navette hubee archive --dry-run",
    );
}

fn in_words(kind: &str, detail: &Value) -> String {
    let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    match kind {
        "folder.created" => "folder created: stored, journalled".to_owned(),
        "attachment.received" => "file received: hashed, sealed, durable".to_owned(),
        "folder.completed" => "completed by its OSL".to_owned(),
        "folder.notified" => "recipients notified, in the same transaction".to_owned(),
        "case.transmitted" => "case read by its recipient for the first time".to_owned(),
        "case.moved" => format!("case moved: {} → {}", text("from"), text("to")),
        "event.created" => "event created".to_owned(),
        "event.sent" => "event sent".to_owned(),
        "event.acknowledged" => "event acknowledged by the other side".to_owned(),
        "notification.deleted" => "notification deleted by its recipient".to_owned(),
        "piece.processed" => "piece processed".to_owned(),
        "return.created" => "return created".to_owned(),
        "return.acknowledged" => "return acknowledged by the partner".to_owned(),
        "folder.closed" => "folder closed".to_owned(),
        "piece.received" => "piece received: stored, signed for, journalled".to_owned(),
        "exchange.forwarded" => format!("went on as folder {}", text("folderId")),
        other => other.to_owned(),
    }
}
