//! One file on its way: sent, sent again where that can help, awaited.

use std::time::Duration;

use futures_util::TryStreamExt;
use indicatif::ProgressBar;
use reqwest::Body;
use serde_json::Value as Json;
use tokio_util::io::ReaderStream;

use super::{PushArgs, file::Document};
use crate::{
    kernel::{
        digest::{hex, sha256},
        entropy::Entropy,
        fault::{Code, Fault, Result},
    },
    outbound::piece_api::{Answer, PieceApi},
};

/// The first pause before a call is made again; each is twice the one before.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest of them.
const LONGEST: Duration = Duration::from_secs(30);
/// How many bytes are read at once.
const CHUNK: usize = 64 * 1024;
/// The first and the longest pause between two looks at a return.
const LOOK: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// What became of a file.
pub(super) enum Fate {
    /// The gateway has it; the answer, and what `--wait` saw last.
    In {
        /// The acknowledgment.
        answer: Json,
        /// Whether an earlier run of the command had brought it in.
        replayed: bool,
        /// The piece as last seen, with `--wait`.
        piece: Option<Json>,
    },
    /// The gateway refused it; its problem document.
    Refused(Json),
    /// It could not be sent, or its return not be awaited.
    Failed(Fault),
}

/// Sends one file and waits for its return where that is wanted.
pub(super) async fn send(
    api: &PieceApi,
    args: &PushArgs,
    document: &Document,
    bar: &ProgressBar,
) -> Fate {
    let sent = deliver(api, args, document, bar).await;
    match sent {
        Ok(answer) if answer.is_success() => taken(api, args, answer.json(), answer.replayed).await,
        Ok(answer) => Fate::Refused(answer.json()),
        Err(fault) => Fate::Failed(fault),
    }
}

/// Connects, again while the gateway is away.
pub(super) async fn connect(args: &PushArgs) -> Result<PieceApi> {
    let mut pauses = Pauses::of(args);
    loop {
        match args.connection.open().await {
            Err(fault) if fault.code() == Code::Unavailable && pauses.wait(None).await => {}
            outcome => return outcome,
        }
    }
}

/// The sending's key: the same for the same file and metadata (which hold its hash), whenever and wherever the command runs,
/// so that one that was interrupted goes on where it was.
fn key(metadata: &str) -> String {
    format!("push-{}", hex(&sha256(metadata.as_bytes())))
}

/// Sends until there is an answer that another attempt would not change. Sending again is harmless: what is in already is
/// answered as the first time.
async fn deliver(
    api: &PieceApi,
    args: &PushArgs,
    document: &Document,
    bar: &ProgressBar,
) -> Result<Answer> {
    let metadata = args.metadata(document).to_string();
    let key = key(&metadata);
    let mut pauses = Pauses::of(args);
    loop {
        bar.set_position(0);
        let outcome = api
            .send(&key, &metadata, document.size, || body(document, bar))
            .await;
        let asked = match &outcome {
            Ok(answer) if answer.is_worth_again() => answer.retry_after,
            Err(fault) if fault.code() == Code::Unavailable => None,
            _ => return outcome,
        };
        bar.set_message("waits to try again");
        if !pauses.wait(asked).await {
            return outcome.and_then(said);
        }
    }
}

/// The pauses between attempts, each twice the one before.
struct Pauses {
    left: u32,
    next: Duration,
}

impl Pauses {
    fn of(args: &PushArgs) -> Self {
        Self {
            left: args.retries,
            next: PAUSE,
        }
    }

    /// Waits before another attempt, `asked` seconds at least; `false` where none is left.
    async fn wait(&mut self, asked: Option<u64>) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        let asked = Duration::from_secs(asked.unwrap_or(0)).min(LONGEST);
        tokio::time::sleep(self.next.max(asked) + jitter(self.next)).await;
        (self.left, self.next) = (left, (self.next * 2).min(LONGEST));
        true
    }
}

/// Up to a quarter of a pause, so that clients which failed together do not come back together.
fn jitter(pause: Duration) -> Duration {
    let millis = u64::try_from(pause.as_millis()).unwrap_or(0);
    Duration::from_millis(Entropy::system().below(millis / 4 + 1))
}

/// An answer after all attempts: one that says "later" to the last of them is a failure, not a refusal of the file.
fn said(answer: Answer) -> Result<Answer> {
    match answer.is_worth_again() {
        true => Err(Fault::unavailable(answer.json()["detail"].clone())),
        false => Ok(answer),
    }
}

/// The content as a stream that moves the bar by what the connection has taken.
fn body(document: &Document, bar: &ProgressBar) -> Result<Body> {
    let file = std::fs::File::open(&document.path).map_err(|error| {
        Fault::new(Code::Usage, format!("{}: {error}", document.path.display()))
    })?;
    let bar = bar.clone();
    let stream = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK);
    Ok(Body::wrap_stream(
        stream.inspect_ok(move |chunk| bar.inc(chunk.len() as u64)),
    ))
}

async fn taken(api: &PieceApi, args: &PushArgs, answer: Json, replayed: bool) -> Fate {
    if let Err(fault) = keep_receipt(api, args, &answer).await {
        return Fate::Failed(fault);
    }
    if !args.wait {
        return Fate::In {
            answer,
            replayed,
            piece: None,
        };
    }
    match wait(api, args, &answer).await {
        Ok(piece) => Fate::In {
            answer,
            replayed,
            piece: Some(piece),
        },
        Err(fault) => Fate::Failed(fault),
    }
}

/// Writes the signed receipt to the folder that was asked for.
async fn keep_receipt(api: &PieceApi, args: &PushArgs, answer: &Json) -> Result<()> {
    let Some(folder) = &args.receipts else {
        return Ok(());
    };
    let link = link(answer, "receipt")?;
    let receipt = api.get(link, "application/pkcs7-mime").await?;
    if !receipt.is_success() {
        return Err(Fault::unavailable(format!(
            "no receipt: status {}",
            receipt.status
        )));
    }
    let file = folder.join(format!("{}.p7m", text(answer, "reconciliationId")));
    let written = std::fs::write(&file, &receipt.body);
    written.map_err(|error| Fault::new(Code::Usage, format!("{}: {error}", file.display())))
}

/// Looks at the piece until it has its return, or the patience is at its end.
async fn wait(api: &PieceApi, args: &PushArgs, answer: &Json) -> Result<Json> {
    let link = link(answer, "self")?;
    let looks = async {
        let (mut pause, longest) = LOOK;
        loop {
            match api.get(link, "application/json").await {
                Ok(seen) if seen.json()["return"].is_object() => return Ok(seen.json()),
                Ok(seen) if seen.is_success() || seen.is_worth_again() => {}
                Ok(seen) => return Err(Fault::internal(format!("status {}", seen.status))),
                Err(fault) if fault.code() == Code::Unavailable => {}
                Err(fault) => return Err(fault),
            }
            tokio::time::sleep(pause).await;
            pause = pause.mul_f64(1.5).min(longest);
        }
    };
    let patience = Duration::from_secs(args.wait_seconds);
    tokio::time::timeout(patience, looks).await.map_err(|_| {
        let id = text(answer, "reconciliationId");
        let detail = format!(
            "no return after {} s: see `navette status {id}`",
            args.wait_seconds
        );
        Fault::new(Code::Unavailable, detail)
    })?
}

fn link<'a>(answer: &'a Json, name: &str) -> Result<&'a str> {
    let link = answer["links"][name].as_str();
    link.ok_or_else(|| Fault::internal(format!("the answer has no link {name}")))
}

fn text<'a>(answer: &'a Json, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_default()
}
