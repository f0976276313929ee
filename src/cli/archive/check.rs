//! `navette archive check`: an archive as the gateway would see it, before anybody sends it.

use std::{fs, path::PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::opening;
use crate::{
    cli::{Answer, Settings, output},
    codec::{CodePage, Finding, Limits},
    domain::archives::{
        Manifest,
        check::{self, Checked, Progress, Rules},
    },
    kernel::fault::{Fault, Result},
};

/// Checks an archive as the gateway would, and lists every fault. Ends with 1 where there is one.
///
/// The rules are those of the manifest's project where the gateway's settings (--config) are at hand. Without them, what
/// every project asks is checked, and --sae and --media-type say what this one does.
///
/// Examples:
///   navette archive check LOT42.zip
///   navette archive check LOT42.tar.gz --sae --media-type application/pdf --media-type 'image/*' --json
///   navette archive check facture.pdf.gz --manifest facture.pdf.gz.manifest.json
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct CheckArgs {
    /// The archive: zip, tar, tar.gz or gz, told by its content.
    file: PathBuf,
    /// The manifest of a gz, where it does not lie beside it as FILE.manifest.json or FILE.manifest.xml.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The project that the archive must be for.
    #[arg(long)]
    project: Option<String>,
    /// The project's SAE makes hashes mandatory.
    #[arg(long)]
    sae: bool,
    /// A media type that the project takes; may be given again. Without one, all are.
    #[arg(long, value_name = "TYPE")]
    media_type: Vec<String>,
    /// What names mean that are not marked as UTF-8: auto, utf8, cp437, cp850, cp1252.
    #[arg(long, default_value = "auto", value_parser = code_page)]
    code_page: CodePage,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

fn code_page(name: &str) -> Result<CodePage, String> {
    CodePage::named(name).ok_or_else(|| "expected auto, utf8, cp437, cp850 or cp1252".to_owned())
}

pub(super) async fn run(settings: &Settings, args: CheckArgs) -> Result<Answer> {
    let known = known(settings)?;
    let report = tokio::task::spawn_blocking(move || {
        let report = report(&args, known.as_deref())?;
        output::either(args.json, &report, || text(&args, &report));
        Ok(report)
    });
    let report: Report = report.await.map_err(Fault::internal)??;
    match report.findings.is_empty() {
        true => Ok(Answer::Yes),
        false => Ok(Answer::No),
    }
}

/// The rules of the projects, where the settings are at hand. Settings that are there and do not load are told.
fn known(settings: &Settings) -> Result<Option<Vec<Rules>>> {
    if !settings.0.exists() {
        return Ok(None);
    }
    let config = settings.load()?;
    Ok(Some(
        config
            .projects
            .values()
            .map(|project| Rules::of(project))
            .collect(),
    ))
}

/// What is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    valid: bool,
    format: Option<&'static str>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    dossiers: usize,
    pieces: usize,
    files: usize,
    bytes: u64,
    /// Whose rules were asked: the project's by the settings, or those of the command line.
    rules: &'static str,
    findings: Vec<Told>,
}

/// One finding, with its piece.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(flatten)]
    finding: Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    dossier_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    piece_uid: Option<String>,
}

fn report(args: &CheckArgs, known: Option<&[Rules]>) -> Result<Report> {
    let size = fs::metadata(&args.file)
        .map_err(|error| opening::unreadable(&args.file, &error))?
        .len();
    let opened = match opening::open(&args.file, &Limits::default())? {
        Ok(opened) => opened,
        Err(findings) => return Ok(Report::refused(size, findings)),
    };
    let mut rules = Rules {
        project: args.project.clone(),
        sae: args.sae,
        media_types: args.media_type.clone(),
        code_page: args.code_page,
        beside: manifest_beside(args)?,
        ..Rules::default()
    };
    let mut whose = "command-line";
    if let Some(known) = known
        && let Some(project) =
            check::manifest(&opened.text, opened.format, &rules)?.map(|manifest| manifest.project)
    {
        whose = "settings";
        apply(&mut rules, known, &project);
    }
    let bar = Bar::default();
    let checked = check::check(&opened.text, opened.format, &rules, &bar);
    bar.0.finish_and_clear();
    Ok(Report::of(
        opened.format.as_str(),
        opened.size,
        whose,
        checked?,
    ))
}

fn manifest_beside(args: &CheckArgs) -> Result<Option<Vec<u8>>> {
    let path = args
        .manifest
        .clone()
        .or_else(|| opening::beside(&args.file));
    path.map(|path| fs::read(&path).map_err(|error| opening::unreadable(&path, &error)))
        .transpose()
}

/// The project's own rules; a project that the settings do not know is none.
fn apply(rules: &mut Rules, known: &[Rules], project: &str) {
    let of = |rules: &&Rules| rules.project.as_deref() == Some(project);
    match known.iter().find(of) {
        Some(own) => {
            rules.sae |= own.sae;
            rules.media_types.clone_from(&own.media_types);
        }
        None => rules.unknown_project = true,
    }
}

impl Report {
    fn refused(size: u64, findings: Vec<Finding>) -> Self {
        let told = |finding| Told {
            finding,
            dossier_id: None,
            piece_uid: None,
        };
        Self {
            valid: false,
            format: None,
            size,
            project: None,
            dossiers: 0,
            pieces: 0,
            files: 0,
            bytes: 0,
            rules: "command-line",
            findings: findings.into_iter().map(told).collect(),
        }
    }

    fn of(format: &'static str, size: u64, rules: &'static str, checked: Checked) -> Self {
        let manifest = checked.manifest.as_ref();
        let named = |flaw: check::Flaw| {
            let dossier = flaw.piece.and_then(|at| manifest?.dossiers.get(at.dossier));
            let piece = flaw.piece.and_then(|at| dossier?.pieces.get(at.piece));
            Told {
                finding: flaw.finding,
                dossier_id: dossier.map(|dossier| dossier.dossier_id.clone()),
                piece_uid: piece.map(|piece| piece.uid.to_string()),
            }
        };
        let count = |of: fn(&Manifest) -> usize| manifest.map_or(0, of);
        Self {
            valid: checked.flaws.is_empty(),
            format: Some(format),
            size,
            project: manifest.map(|manifest| manifest.project.clone()),
            dossiers: count(|manifest| manifest.dossiers.len()),
            pieces: count(Manifest::pieces),
            files: count(Manifest::files),
            bytes: checked.directory.bytes,
            rules,
            findings: checked.flaws.into_iter().map(named).collect(),
        }
    }
}

fn text(args: &CheckArgs, report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    for told in &report.findings {
        let whose = match (&told.dossier_id, &told.piece_uid) {
            (Some(dossier), Some(piece)) => format!(" [{dossier} / {piece}]"),
            _ => String::new(),
        };
        lines.push(format!("{}{whose}", told.finding));
    }
    let verdict = match report.findings.len() {
        0 => "no fault".to_owned(),
        1 => "1 fault".to_owned(),
        many => format!("{many} faults"),
    };
    let format = report.format.unwrap_or("no archive");
    lines.push(format!(
        "{verdict}: {} ({format}, {} bytes), {} dossiers, {} pieces, {} files of {} bytes",
        args.file.display(),
        report.size,
        report.dossiers,
        report.pieces,
        report.files,
        report.bytes
    ));
    if report.rules != "settings" {
        lines.push(
            "the project's own rules were not at hand (see --config, --sae, --media-type)"
                .to_owned(),
        );
    }
    lines.join("\n")
}

/// A progress bar on stderr; nothing where that is no terminal.
struct Bar(ProgressBar);

impl Default for Bar {
    fn default() -> Self {
        let style =
            ProgressStyle::with_template("{msg:<12} {wide_bar} {bytes}/{total_bytes} {eta}");
        let bar = ProgressBar::no_length().with_message("checking");
        Self(style.map_or(bar.clone(), |style| bar.with_style(style)))
    }
}

impl Progress for Bar {
    fn begin(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}
