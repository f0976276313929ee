//! `navette push`: sends files as an application would, up to four at once, and says what became of each.
//!
//! [`file`] reads a file once (size, SHA-256, media type); [`send`] sends it, again where that can help, and awaits its
//! return; [`show`] tells it.

mod file;
mod send;
mod show;

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Map, Value as Json, json};

use self::{file::Document, send::Fate};
use super::{Answer, connection::Connection};
use crate::{
    kernel::{
        fault::{Code, Fault, Result},
        json::parse_object,
    },
    outbound::piece_api::PieceApi,
};

/// Sends files to a gateway, four at once, and shows the receipt of each. Ends with 1 where one was refused, with 2
/// where one does not read, with 4 where one could not be sent.
///
/// Each file goes under a key made of its content and metadata: a command that was interrupted is run again as it was, and
/// what is in already is answered as the first time.
///
/// Example: navette push facture.pdf devis.pdf --project asp-mae --application isis --dossier D-2026-17 --wait
#[derive(Args)]
pub struct PushArgs {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The project that receives them.
    #[arg(long)]
    project: String,
    /// The dossier that they belong to.
    #[arg(long)]
    dossier: String,
    /// The source application that sends them.
    #[arg(long, env = "NAVETTE_APPLICATION")]
    application: String,
    /// The sending's number for this dossier.
    #[arg(long, default_value_t = 1)]
    iteration: u32,
    /// The piece's own id, for one file.
    #[arg(long)]
    piece_uid: Option<String>,
    /// What kind of piece they are.
    #[arg(long)]
    piece_type: Option<String>,
    /// The contract's reference.
    #[arg(long)]
    contract: Option<String>,
    /// Business data: a JSON object.
    #[arg(long, value_parser = object)]
    data: Option<Map<String, Json>>,
    /// The media type, instead of what content and name tell.
    #[arg(long)]
    media_type: Option<String>,
    /// Write each signed receipt to this folder, as RECONCILIATION-ID.p7m.
    #[arg(long, value_name = "FOLDER")]
    receipts: Option<PathBuf>,
    /// Wait for the returns and show their outcome.
    #[arg(long)]
    wait: bool,
    /// How long to wait for each of them.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    wait_seconds: u64,
    /// How often a file is sent again while the gateway is away.
    #[arg(long, default_value_t = 5)]
    retries: u32,
    /// How many files are sent at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    parallel: u16,
    /// Answer with one line of JSON for each file, in the order of their ends.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl PushArgs {
    /// The metadata of one file, as the contract writes them.
    fn metadata(&self, document: &Document) -> Json {
        let mut metadata = json!({
            "project": self.project,
            "sourceApplication": self.application,
            "dossierId": self.dossier,
            "iteration": self.iteration,
            "hash": { "algorithm": "SHA-256", "value": document.sha256 },
            "fileName": document.name,
            "mediaType": self.media_type.as_ref().unwrap_or(&document.media_type),
        });
        let optional = [
            ("pieceUid", self.piece_uid.clone().map(Json::from)),
            ("pieceType", self.piece_type.clone().map(Json::from)),
            ("contractReference", self.contract.clone().map(Json::from)),
            ("businessData", self.data.clone().map(Json::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                metadata[name] = value;
            }
        }
        metadata
    }

    fn check(&self) -> Result<()> {
        if self.piece_uid.is_some() && self.files.len() > 1 {
            let detail = "--piece-uid names one piece: send one file with it";
            return Err(Fault::new(Code::Usage, detail));
        }
        match &self.receipts {
            Some(folder) => std::fs::create_dir_all(folder)
                .map_err(|error| Fault::new(Code::Usage, format!("{}: {error}", folder.display()))),
            None => Ok(()),
        }
    }
}

fn object(text: &str) -> Result<Map<String, Json>, String> {
    parse_object("", text.as_bytes())
        .map_err(|fault| format!("expected a JSON object: {}", fault.detail()))
}

pub(super) async fn run(args: PushArgs) -> Result<Answer> {
    args.check()?;
    let api = send::connect(&args).await?;
    let (bars, args) = (MultiProgress::new(), Arc::new(args));
    let sendings = args.files.iter().map(|path| one(&api, &args, &bars, path));
    let mut fates = stream::iter(sendings).buffer_unordered(args.parallel.into());
    let mut tally = Tally::default();
    while let Some((path, document, fate)) = fates.next().await {
        tally.count(&fate);
        bars.suspend(|| show::fate(args.json, path, document.as_ref(), &fate));
    }
    tally.answer()
}

/// What became of all files.
#[derive(Default)]
struct Tally {
    refused: usize,
    failed: Vec<Code>,
}

impl Tally {
    fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::In { .. } => {}
            Fate::Refused(_) => self.refused += 1,
            Fate::Failed(fault) => self.failed.push(fault.code()),
        }
    }

    /// Files that could not be sent speak before those that were refused: the command is to be run again.
    fn answer(self) -> Result<Answer> {
        let failed = self.failed.len();
        // A gateway that is away speaks before a file that does not read.
        let away = self.failed.iter().find(|code| **code != Code::Usage);
        let again = "run the same command again: what is in already is not taken twice";
        match (away.or(self.failed.first()), self.refused) {
            (Some(code), _) => Err(Fault::new(
                *code,
                format!("{failed} file(s) not done; {again}"),
            )),
            (None, 0) => Ok(Answer::Yes),
            (None, _) => Ok(Answer::No),
        }
    }
}

async fn one<'a>(
    api: &PieceApi,
    args: &PushArgs,
    bars: &MultiProgress,
    path: &'a PathBuf,
) -> (&'a PathBuf, Option<Document>, Fate) {
    let reading = path.clone();
    let read = tokio::task::spawn_blocking(move || Document::read(&reading)).await;
    let document = match read.map_err(Fault::internal).and_then(|read| read) {
        Ok(document) => document,
        Err(fault) => return (path, None, Fate::Failed(fault)),
    };
    let bar = bars.add(bar(&document));
    let fate = send::send(api, args, &document, &bar).await;
    bar.finish_and_clear();
    (path, Some(document), fate)
}

fn bar(document: &Document) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix:<32!} {wide_bar} {bytes}/{total_bytes} {msg}");
    let bar = ProgressBar::new(document.size).with_prefix(document.name.clone());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
