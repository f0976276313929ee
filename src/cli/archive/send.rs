//! `navette archive send`: leaves an archive on a depot, as its partner does.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use wildmatch::WildMatch;

use super::{
    flow::{incoming, usage},
    opening::{self, unreadable},
    receipt::{self, Receipt},
};
use crate::{
    cli::{Answer, Settings, output},
    codec::Format,
    config::{
        Depot, Flow,
        depots::{self, Complete, Incoming},
    },
    kernel::{
        clock::Clock,
        digest::{Hasher, hex},
        fault::{Fault, Result},
    },
    transport::{Line, Uploaded, path, upload, upload_over},
};

/// Leaves an archive where a depot's flow takes them, whole or not at all; goes on where an earlier run was cut.
///
/// Of the settings only the depot's own file is read: a sender needs no gateway. The same file under the same name again is
/// done at once; another file of that name is refused (1). The manifest beside a gz, FILE.manifest.json or FILE.manifest.xml, is
/// left first, beside the name that the gz gets.
///
/// Example: navette archive send LOT42.zip --depot asp-depot --wait 120
#[derive(Args)]
pub struct SendArgs {
    /// The archive.
    file: PathBuf,
    /// The depot's name, in `depots/*.toml` beside the settings file.
    #[arg(long)]
    depot: String,
    /// The incoming flow, where the depot has several.
    #[arg(long)]
    flow: Option<String>,
    /// Its name on the depot, where not the file's own.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Wait so many seconds for the receipt, and keep it with its signature beside the archive; 1 where the archive was
    /// refused, 4 where no receipt came.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait: Option<u64>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

/// What is to be sent where.
struct Order {
    depot: Arc<Depot>,
    flow: Flow,
    incoming: Incoming,
    name: String,
    file: PathBuf,
    wait: Option<Duration>,
}

/// What was done.
struct Done {
    sha256: String,
    size: u64,
    uploaded: Uploaded,
    receipt: Option<Receipt>,
}

pub(super) async fn run(settings: &Settings, args: SendArgs) -> Result<Answer> {
    let order = Order::of(settings, &args)?;
    let task = tokio::task::spawn_blocking(move || {
        let done = send(&order)?;
        Ok((order, done))
    });
    let (order, done) = task.await.map_err(Fault::internal)??;
    output::either(args.json, &shown(&order, &done), || text(&order, &done));
    match done.receipt.is_some_and(|receipt| receipt.is_refusal()) {
        true => Ok(Answer::No),
        false => Ok(Answer::Yes),
    }
}

impl Order {
    fn of(settings: &Settings, args: &SendArgs) -> Result<Self> {
        let depot = depots::depot(settings.file(), &args.depot)?;
        let (flow, incoming) = incoming(&depot, args.flow.as_deref())?;
        let own = args.file.file_name().and_then(|name| name.to_str());
        let name = args.name.as_deref().or(own);
        let name = name.ok_or_else(|| usage("the file's name is not UTF-8: give one with --as"))?;
        if !WildMatch::new(&incoming.pattern).matches(name) {
            let (flow, pattern) = (&flow.name, &incoming.pattern);
            return Err(usage(&format!(
                "flow {flow} takes {pattern} only: {name} would lie there for ever"
            )));
        }
        path::join(&flow.path, name)?;
        Ok(Self {
            name: name.to_owned(),
            file: args.file.clone(),
            wait: args.wait.map(Duration::from_secs),
            depot,
            flow,
            incoming,
        })
    }
}

fn send(order: &Order) -> Result<Done> {
    let mut file = File::open(&order.file).map_err(|error| unreadable(&order.file, &error))?;
    let (sha256, size) = digest(&mut file).map_err(|error| unreadable(&order.file, &error))?;
    let mut line = Line::new(Arc::clone(&order.depot), Clock::system());
    accompany(&mut line, order, &mut file)?;
    let bar = bar(&order.name, size);
    let mut source = Shown { file, bar: &bar };
    let uploaded = upload_over(&mut line, &order.flow.path, &order.name, &mut source, size);
    bar.finish_and_clear();
    let uploaded = uploaded?;
    mark(&mut line, order)?;
    let receipt = match order.wait {
        Some(patience) => Some(receipt::wait(
            &mut line,
            order_of(order, &sha256),
            patience,
        )?),
        None => None,
    };
    Ok(Done {
        sha256,
        size,
        uploaded,
        receipt,
    })
}

/// The manifest of a gz, which lies beside it and has to be there when the gz is taken.
fn accompany(line: &mut Line, order: &Order, file: &mut File) -> Result<()> {
    let format = opening::format(file).map_err(|error| unreadable(&order.file, &error))?;
    let manifest = opening::beside_as(&order.file).filter(|_| format == Some(Format::Gz));
    let Some((manifest, ending)) = manifest else {
        return Ok(());
    };
    let failed = |error| unreadable(&manifest, &error);
    let mut source = File::open(&manifest).map_err(failed)?;
    let size = source.metadata().map_err(failed)?.len();
    let name = format!("{}{ending}", order.name);
    upload_over(line, &order.flow.path, &name, &mut source, size).map(|_| ())
}

fn order_of<'a>(order: &'a Order, sha256: &'a str) -> receipt::Wanted<'a> {
    receipt::Wanted {
        folder: &order.incoming.receipts,
        name: &order.name,
        sha256,
        keep: order.file.parent().unwrap_or(Path::new("")),
    }
}

/// The marker that tells the other end that the file is complete, where the flow wants one.
fn mark(line: &mut Line, order: &Order) -> Result<()> {
    let Complete::Marker(suffix) = &order.incoming.complete else {
        return Ok(());
    };
    let name = format!("{}{suffix}", order.name);
    let mut empty = io::Cursor::new([]);
    let left = line.with(|session| upload(session, &order.flow.path, &name, &mut empty, 0));
    left.map(|_| ())
}

/// SHA-256 and size, in constant memory.
fn digest(file: &mut File) -> io::Result<(String, u64)> {
    let (mut hasher, mut size, mut block) = (Hasher::new(false), 0, vec![0; 1024 * 1024]);
    loop {
        match file.read(&mut block)? {
            0 => break,
            count => {
                hasher.update(&block[..count]);
                size += count as u64;
            }
        }
    }
    Ok((hex(&hasher.finish().sha256), size))
}

/// The file, whose place is shown.
struct Shown<'a> {
    file: File,
    bar: &'a ProgressBar,
}

impl Read for Shown<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}

impl Seek for Shown<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.file.seek(to)?;
        self.bar.set_position(at);
        Ok(at)
    }
}

fn bar(name: &str, size: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix:<32!} {wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(size).with_prefix(name.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn shown(order: &Order, done: &Done) -> serde_json::Value {
    json!({
        "depot": order.depot.name, "flow": order.flow.name, "path": order.flow.path, "name": order.name,
        "size": done.size, "sha256": done.sha256, "resumedAt": done.uploaded.resumed_at, "sent": done.uploaded.sent,
        "wasThere": done.uploaded.was_there, "receipt": done.receipt.as_ref().map(Receipt::shown),
    })
}

fn text(order: &Order, done: &Done) -> String {
    let how = match done.uploaded {
        Uploaded {
            was_there: true, ..
        } => "was there already".to_owned(),
        Uploaded { resumed_at: 0, .. } => format!("{} bytes sent", done.size),
        Uploaded {
            resumed_at, sent, ..
        } => format!("{sent} bytes sent after the {resumed_at} of an earlier run"),
    };
    let mut lines = vec![format!("{} on {}: {how}", order.name, order.depot.name)];
    lines.push(format!("  sha256 {}", done.sha256));
    lines.extend(done.receipt.as_ref().map(Receipt::text));
    lines.join("\n")
}
