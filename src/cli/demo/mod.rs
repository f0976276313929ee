//! `navette demo`: the main job before your eyes, with nothing pretended.
//!
//! In a folder of its own it writes settings ([`stage`]), starts this very program as the gateway ([`gateway`]) and a
//! stand-in for ASP's callback API ([`partner`]), both over HTTPS with mutual TLS; an application ([`application`]) gets a
//! token, sends documents and reads what became of them; [`proof`] checks receipts and returns as their receivers would, the
//! receipt by the plain `openssl` command; [`story`] prints it. Then the same documents go in one archive through a [`depot`]
//! ([`lot`]). With `--hub` it is a télédossier's way through the HubEE hub instead ([`hub`]). Everything that was started is stopped again.
//!
//! The certificates are made by `certs/make-pki.sh`, which `make demo` and `make run` call first.

mod application;
mod depot;
mod document;
mod gateway;
mod hub;
mod lot;
mod partner;
mod proof;
mod stage;
mod story;

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::UnboundedReceiver,
};

use self::{
    application::{Application, Piece},
    depot::{Depot, Reach},
    document::Document,
    gateway::Gateway,
    hub::World,
    partner::{Callback, Partner},
    stage::Stage,
};
use super::{Answer, output};
use crate::kernel::{
    clock::Clock,
    fault::{Fault, Result},
};

/// How long the returns may take, all together.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent where nothing else is named.
const FIXTURES: [&str; 5] = [
    "fixtures/facture.pdf",
    "fixtures/attestation-2-pages.pdf",
    "fixtures/scan-recto.png",
    "fixtures/scan-verso.jpg",
    "fixtures/plan.tiff",
];

/// Shows the main job: starts a gateway and a stand-in for ASP's API, sends documents, checks receipts and returns.
///
/// Example: certs/make-pki.sh target/demo/pki && navette demo --dir target/demo scan.png facture.pdf
#[derive(Args)]
pub struct DemoArgs {
    /// The folder of settings, data, log and results. It is made where it is missing, and may be used again.
    #[arg(long, default_value = "target/demo")]
    dir: PathBuf,
    /// The folder that certs/make-pki.sh filled; `pki` in the demonstration's folder where left out.
    #[arg(long)]
    pki: Option<PathBuf>,
    /// Leave the gateway running until Ctrl-C, and print the `curl` line of a first call.
    #[arg(long)]
    keep: bool,
    /// The API's port, where it is free; any free one where it is taken or left out.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// How archives reach their depot: as a folder, or by SFTP through a real OpenSSH server.
    #[arg(long, value_enum, default_value = "folder")]
    depot: Reach,
    /// Show the HubEE hub: a whole télédossier, from its deposit to its closing, and a piece that goes on as one.
    #[arg(long, conflicts_with_all = ["keep", "files"])]
    hub: bool,
    /// The documents to send: the fixtures where none is named (none with --keep).
    files: Vec<PathBuf>,
}

/// Everything that takes part.
struct Cast {
    stage: Stage,
    gateway: Gateway,
    partner: Partner,
    depot: Depot,
    callbacks: UnboundedReceiver<Callback>,
}

pub(super) async fn run(args: DemoArgs) -> Result<Answer> {
    let documents = documents(&args)?;
    let world = args.hub.then(World::read).transpose()?;
    let started = Instant::now();
    let mut cast = assemble(&args, world.as_ref()).await?;
    let playing = async {
        match &world {
            Some(world) => hub::perform(&cast.stage, world).await,
            None => {
                story::opening(&cast.stage, &cast.depot);
                let (depot, callbacks) = (&cast.depot, &mut cast.callbacks);
                perform(
                    &cast.stage,
                    depot,
                    callbacks,
                    &documents,
                    started,
                    args.keep,
                )
                .await
            }
        }
    };
    let outcome = tokio::select! {
        outcome = playing => outcome,
        stopped = told_to_stop() => stopped.map(|()| ended(args.keep)),
        fault = cast.gateway.ended() => Err(fault),
    };
    cast.gateway.stop().await;
    cast.partner.stop().await;
    cast.depot.stop().await;
    match outcome? {
        Answer::Yes => audited(&cast.stage).await,
        Answer::No => Ok(Answer::No),
    }
}

/// What was left behind must agree with itself.
async fn audited(stage: &Stage) -> Result<Answer> {
    gateway::run(stage, &["doctor", "--json"]).await?;
    output::line("navette doctor: store, database, receipts and journal agree");
    Ok(Answer::Yes)
}

fn documents(args: &DemoArgs) -> Result<Vec<Document>> {
    let named = match args.files.is_empty() && !args.keep {
        true => FIXTURES.map(PathBuf::from).to_vec(),
        false => args.files.clone(),
    };
    named
        .iter()
        .enumerate()
        .map(|(place, path)| Document::read(path, place + 1))
        .collect()
}

async fn assemble(args: &DemoArgs, world: Option<&World>) -> Result<Cast> {
    let stage = Stage::prepare(&args.dir, args.pki.as_deref(), args.port)?;
    let stage = match world {
        Some(world) => stage.with_hub(&world.process, &world.si_id()),
        None => stage,
    };
    let (partner, callbacks) = Partner::open(&stage).await?;
    stage.write(&partner.url())?;
    let depot = Depot::open(&stage, args.depot).await?;
    gateway::register(&stage).await?;
    if world.is_some() {
        World::import(&stage).await?;
    }
    Ok(Cast {
        gateway: Gateway::start(&stage).await?,
        stage,
        partner,
        depot,
        callbacks,
    })
}

async fn perform(
    stage: &Stage,
    depot: &Depot,
    callbacks: &mut UnboundedReceiver<Callback>,
    documents: &[Document],
    started: Instant,
    keep: bool,
) -> Result<Answer> {
    let mut answer = Answer::Yes;
    if !documents.is_empty() {
        answer = main_job(stage, depot, callbacks, documents).await?;
        story::closing(stage, documents.len(), answer, started.elapsed());
    }
    if keep {
        stay(stage, callbacks).await;
    }
    Ok(answer)
}

/// Sends everything, waits for the returns, checks and tells each piece's story.
async fn main_job(
    stage: &Stage,
    depot: &Depot,
    callbacks: &mut UnboundedReceiver<Callback>,
    documents: &[Document],
) -> Result<Answer> {
    let application = Application::sign_in(stage).await?;
    let sent = application.send_all(documents, &dossier()).await;
    let accepted: Vec<&Piece> = sent.iter().flatten().collect();
    let returns = returns(callbacks, &accepted).await;
    let (mut all_well, mut command) = (accepted.len() == documents.len(), String::new());
    for (document, sent) in documents.iter().zip(&sent) {
        match sent {
            Ok(piece) => {
                let callback = returns.get(&piece.id);
                let checks = proof::check(stage, &application, document, piece, callback);
                let checks = checks.await?;
                all_well &= story::piece(document, piece, &checks);
                command = checks.command;
            }
            Err(fault) => story::refused(document, fault),
        }
    }
    // An archive is refused whole for one document that the project does not take.
    let taken = documents.iter().zip(&sent).filter(|(_, sent)| sent.is_ok());
    let taken: Vec<_> = taken.map(|(document, _)| document).collect();
    if !taken.is_empty() {
        let archive = lot::perform(stage, depot, &application, &taken, &dossier()).await?;
        all_well &= story::archive(&archive);
    }
    story::command(&command);
    Ok(if all_well { Answer::Yes } else { Answer::No })
}

/// Another dossier each time: the same piece again would be answered with its first receipt.
fn dossier() -> String {
    format!("DEMO-{}", Clock::system().now_micros())
}

/// The first callback of each piece, as far as they come in time.
async fn returns(
    callbacks: &mut UnboundedReceiver<Callback>,
    pieces: &[&Piece],
) -> HashMap<String, Callback> {
    let mut come = HashMap::new();
    let gathering = async {
        while pieces.iter().any(|piece| !come.contains_key(&piece.id)) {
            let Some(callback) = callbacks.recv().await else {
                return;
            };
            come.entry(callback.reconciliation_id.clone())
                .or_insert(callback);
        }
    };
    // What has not come by then is missing in the story, which says so.
    let _ = tokio::time::timeout(PATIENCE, gathering).await;
    come
}

/// Tells of each return that the stand-in receives, until something else ends the demonstration.
async fn stay(stage: &Stage, callbacks: &mut UnboundedReceiver<Callback>) {
    story::first_call(stage);
    while let Some(callback) = callbacks.recv().await {
        story::callback(&callback);
    }
}

async fn told_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Fault::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Fault::internal)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    output::line("\nstopping");
    Ok(())
}

/// Stopping is how `--keep` ends; a demonstration that is stopped has shown nothing.
fn ended(keep: bool) -> Answer {
    match keep {
        true => Answer::Yes,
        false => Answer::No,
    }
}
