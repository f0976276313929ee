//! `navette hubee trace`: what the journal says of a télédossier.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::super::{Answer, Settings, output};
use crate::{
    app::House,
    domain::pieces::trace,
    kernel::fault::{Code, Fault, Result},
};

/// Shows what happened to a télédossier, oldest first: ids, dates and codes, of deleted ones too.
///
/// Example: navette hubee trace 019abcde-0000-7000-8000-000000000000
#[derive(Args)]
pub struct TraceArgs {
    /// The folder's id.
    folder: Uuid,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: TraceArgs) -> Result<Answer> {
    let house = House::open_read_only(settings.load()?).await?;
    let events = trace::events_of(&house.ctx, args.folder).await?;
    if events.is_empty() {
        let detail = format!("the journal knows no télédossier {}", args.folder);
        return Err(Fault::new(Code::NotFound, detail));
    }
    let told = json!({ "folderId": args.folder, "events": events });
    output::either(args.json, &told, || {
        let lines = told["events"].as_array().into_iter().flatten();
        let lines = lines.map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            format!("{}  {:<22} {}", text("at"), text("kind"), event["detail"])
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(Answer::Yes)
}
