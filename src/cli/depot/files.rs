//! `navette depot files`: what lies on a depot, and how receipts and incidents call it.

use clap::Args;

use crate::{
    app::House,
    cli::{Answer, Settings, output},
    domain::archives::lying::{self, Lying},
    kernel::fault::Result,
};

/// Lists the files that lie where a depot's flows take them, each with the hash that receipts, incidents and the log have in
/// place of its name (`fileNameHash`).
///
/// What no flow takes, by its name, is marked. Works while the gateway runs and when it is stopped.
///
/// Example: navette depot files asp-depot
#[derive(Args)]
pub struct FilesArgs {
    /// Which depot.
    #[arg(value_name = "DEPOT")]
    name: String,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: FilesArgs) -> Result<Answer> {
    let house = House::open_read_only(settings.load()?).await?;
    let found = lying::list(&house.ctx, &args.name).await?;
    output::either(args.json, &found, || match found.is_empty() {
        true => "no file".to_owned(),
        false => found.iter().map(line).collect::<Vec<_>>().join("\n"),
    });
    Ok(Answer::Yes)
}

fn line(of: &Lying) -> String {
    let hash = of.file_name_hash.as_deref().unwrap_or("-");
    let name = of.name.escape_debug();
    let strange = match of.known {
        true => "",
        false => "  (no flow takes it)",
    };
    format!(
        "{hash:<64} {:<14} {:>12}  {}  {name}{strange}",
        of.flow, of.size, of.modified
    )
}
