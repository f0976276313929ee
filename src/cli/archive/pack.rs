//! `navette archive pack`: a folder and its metadata made an archive.

use std::{
    cell::RefCell,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::opening::unreadable;
use crate::{
    cli::{Answer, output},
    codec::Format,
    domain::archives::{
        manifest,
        pack::{self, Plan, Progress, Step},
    },
    kernel::fault::{Code, Fault, Result},
};

/// Makes an archive of a folder: completes the manifest (uids, sizes, types, hashes) and writes it with the files.
///
/// The metadata are a manifest that may leave out what the folder tells: the pieces (each file is one), their uids, the
/// files' types, sizes and hashes. With `dossiers`, each dossier without pieces takes the sub-folder of its name.
/// The same folder makes the same archive, byte for byte.
///
/// Examples:
///   navette archive pack lot42/ --metadata m.json -o LOT42.zip
///   navette archive pack lot42/ --metadata m.json -o LOT42.tar.gz --json
///   echo '{"project":"aides","sourceApplication":"isis","dossierId":"D-1","iteration":1}' > m.json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct PackArgs {
    /// The folder whose files go in.
    folder: PathBuf,
    /// The metadata: a manifest in JSON, complete or not.
    #[arg(long, value_name = "FILE")]
    metadata: PathBuf,
    /// The archive to write; its format is told by its name: .zip, .tar, .tar.gz, .tgz, .gz.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The format, where the name does not tell it: zip, tar, tar.gz, gz.
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// Write over an archive that is there.
    #[arg(long)]
    force: bool,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

fn format(name: &str) -> Result<Format, String> {
    Format::named(name).ok_or_else(|| "expected zip, tar, tar.gz or gz".to_owned())
}

pub(super) async fn run(args: PackArgs) -> Result<Answer> {
    let packed = tokio::task::spawn_blocking(move || packed(&args));
    packed.await.map_err(Fault::internal)??;
    Ok(Answer::Yes)
}

fn packed(args: &PackArgs) -> Result<()> {
    let format = args.format.map_or_else(|| named(&args.output), Ok)?;
    let metadata = metadata(&args.metadata)?;
    if args.output.exists() && !args.force {
        let detail = format!(
            "{}: is there already (--force writes over it)",
            args.output.display()
        );
        return Err(Fault::new(Code::Usage, detail));
    }
    let bar = Bar::default();
    let part = beside(&args.output, "part");
    let skip = [
        &args.metadata,
        &args.output,
        &part,
        &beside(&args.output, manifest::JSON),
    ]
    .map(Clone::clone);
    let plan = pack::plan(&args.folder, &skip, metadata, &bar)?;
    let written = write(&plan, format, args, &part, &bar);
    bar.0.borrow().finish_and_clear();
    if written.is_err() {
        // What was begun is of no use to anybody.
        let _ = fs::remove_file(&part);
    }
    written?;
    show(args, format, &plan)
}

/// Writes under another name first, so that no half archive stands under its own.
fn write(plan: &Plan, format: Format, args: &PackArgs, part: &Path, bar: &Bar) -> Result<()> {
    let file = File::create(part).map_err(|error| unreadable(part, &error))?;
    plan.write(format, &file, bar)?;
    file.sync_all().map_err(|error| unreadable(part, &error))?;
    if format == Format::Gz {
        let path = beside(&args.output, manifest::JSON);
        fs::write(&path, &plan.text).map_err(|error| unreadable(&path, &error))?;
    }
    fs::rename(part, &args.output).map_err(|error| unreadable(&args.output, &error))
}

fn metadata(path: &Path) -> Result<Map<String, Value>> {
    let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
    crate::kernel::json::parse_object("", &text)
        .map_err(|fault| unreadable(path, &io::Error::other(fault.detail().to_owned())))
}

/// The format that a name tells.
fn named(path: &Path) -> Result<Format> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let endings = [
        (".zip", Format::Zip),
        (".tar", Format::Tar),
        (".tar.gz", Format::TarGz),
        (".tgz", Format::TarGz),
        (".gz", Format::Gz),
    ];
    let told = endings.iter().find(|(ending, _)| name.ends_with(ending));
    told.map(|(_, format)| *format).ok_or_else(|| {
        let detail = format!(
            "{}: its name tells no format; say it with --format",
            path.display()
        );
        Fault::new(Code::Usage, detail)
    })
}

fn beside(path: &Path, kind: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{kind}"));
    path.with_file_name(name)
}

fn show(args: &PackArgs, format: Format, plan: &Plan) -> Result<()> {
    let size = fs::metadata(&args.output)
        .map_err(|error| unreadable(&args.output, &error))?
        .len();
    let (dossiers, pieces, files) = (
        plan.manifest.dossiers.len(),
        plan.manifest.pieces(),
        plan.manifest.files(),
    );
    let beside = (format == Format::Gz).then(|| beside(&args.output, manifest::JSON));
    let answer = json!({
        "archive": args.output, "format": format, "size": size, "project": plan.manifest.project,
        "dossiers": dossiers, "pieces": pieces, "files": files, "manifest": beside,
    });
    output::either(args.json, &answer, || {
        let text = format!(
            "{} ({format}, {size} bytes): {dossiers} dossiers, {pieces} pieces, {files} files",
            args.output.display()
        );
        match &beside {
            Some(beside) => format!("{text}\nits manifest: {}", beside.display()),
            None => text,
        }
    });
    Ok(())
}

/// A progress bar on stderr; nothing where that is no terminal.
struct Bar(RefCell<ProgressBar>);

impl Default for Bar {
    fn default() -> Self {
        Self(RefCell::new(ProgressBar::hidden()))
    }
}

impl Progress for Bar {
    fn begin(&self, step: Step, bytes: u64) {
        let style =
            ProgressStyle::with_template("{msg:<12} {wide_bar} {bytes}/{total_bytes} {eta}");
        let message = match step {
            Step::Hash => "hashing",
            Step::Write => "packing",
        };
        let bar = ProgressBar::new(bytes).with_message(message);
        let bar = style.map_or(bar.clone(), |style| bar.with_style(style));
        self.0.replace(bar).finish_and_clear();
    }

    fn advance(&self, bytes: u64) {
        self.0.borrow().inc(bytes);
    }
}
