//! `navette archive check`: an archive as the gateway would see it, before anybody sends it.

use std::{fs, path::PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{flow, opening, report::Report};
use crate::{
    cli::{Answer, Settings, output},
    codec::CodePage,
    config::{
        Flow,
        depots::{self, Incoming},
    },
    domain::archives::check::{self, Progress, Rules},
    kernel::fault::{Fault, Result},
};

/// Checks an archive as the gateway would, and lists every fault. Ends with 1 where there is one.
///
/// The rules are those of the manifest's project where the gateway's settings (--config) are at hand. Without them, what
/// every project asks is checked, and --sae and --media-type say what this one does. With --depot the flow's own are asked
/// too: project, formats, applications, code page.
///
/// Examples:
///   navette archive check LOT42.zip
///   navette archive check LOT42.zip --depot asp-depot
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
    /// The depot that it will be left on, in `depots/*.toml` beside the settings file.
    #[arg(long, conflicts_with_all = ["project", "code_page"])]
    depot: Option<String>,
    /// The depot's incoming flow, where it has several.
    #[arg(long, requires = "depot")]
    flow: Option<String>,
    /// The project's SAE makes hashes mandatory.
    #[arg(long)]
    sae: bool,
    /// A media type that the project takes; may be given again. Without one, all are.
    #[arg(long, value_name = "TYPE")]
    media_type: Vec<String>,
    /// What names mean that are not marked as UTF-8: auto (UTF-8 where it is, else cp437), utf-8, cp437, cp850, cp1252.
    #[arg(long, default_value = "auto", value_parser = code_page)]
    code_page: CodePage,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

fn code_page(name: &str) -> Result<CodePage, String> {
    CodePage::named(name).ok_or_else(|| "expected auto, utf-8, cp437, cp850 or cp1252".to_owned())
}

pub(super) async fn run(settings: &Settings, args: CheckArgs) -> Result<Answer> {
    let (known, flow) = (known(settings)?, destination(settings, &args)?);
    let report = tokio::task::spawn_blocking(move || {
        let report = report(&args, known.as_deref(), flow.as_ref())?;
        output::either(args.json, &report, || report.text(&args.file));
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

/// The flow that it will come by, where a depot is named.
fn destination(settings: &Settings, args: &CheckArgs) -> Result<Option<(Flow, Incoming)>> {
    let Some(name) = &args.depot else {
        return Ok(None);
    };
    let depot = depots::depot(settings.file(), name)?;
    flow::incoming(&depot, args.flow.as_deref()).map(Some)
}

fn report(
    args: &CheckArgs,
    known: Option<&[Rules]>,
    flow: Option<&(Flow, Incoming)>,
) -> Result<Report> {
    let size = fs::metadata(&args.file)
        .map_err(|error| opening::unreadable(&args.file, &error))?
        .len();
    let mut rules = asked(args, flow)?;
    let opened = match opening::open(&args.file, &rules)? {
        Ok(opened) => opened,
        Err(findings) => return Ok(Report::refused(size, findings)),
    };
    let project = match flow {
        Some((flow, _)) => Some(flow.project.clone()),
        None => check::manifest(&opened.text, opened.format, &rules)?.map(|told| told.project),
    };
    let mut whose = "command-line";
    if let Some((known, project)) = known.zip(project) {
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

/// The rules of the command line, and the flow's.
fn asked(args: &CheckArgs, flow: Option<&(Flow, Incoming)>) -> Result<Rules> {
    let rules = Rules {
        project: args.project.clone(),
        sae: args.sae,
        media_types: args.media_type.clone(),
        code_page: args.code_page,
        beside: manifest_beside(args)?,
        ..Rules::default()
    };
    Ok(match flow {
        Some((flow, incoming)) => Rules {
            project: Some(flow.project.clone()),
            ..rules.by(incoming)
        },
        None => rules,
    })
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
