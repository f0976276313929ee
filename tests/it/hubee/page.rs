//! The page that connects the first OSL and SI, played as it is written.

use std::{fs, path::Path, process::Command};

use crate::kit::{
    gateway::{Engine, Gateway, Kit},
    pki::pki,
    process, scratch,
};

/// Seconds for all of a block.
const PATIENCE: u32 = 120;
/// The program under test.
const NAVETTE: &str = env!("CARGO_BIN_EXE_navette");

/// The blocks of that page that are to be pasted into a shell.
fn blocks() -> Vec<String> {
    let page = fs::read_to_string("deploy/hubee/README.md").expect("the page");
    let rest = page.split("```sh\n").skip(1);
    let blocks = rest.map(|rest| rest.split("```").next().unwrap_or_default().to_owned());
    blocks.collect()
}

/// Plays a block in `folder`; what it wrote.
fn play(gateway: &Gateway, folder: &Path, block: &str, more: &[(&str, &str)]) -> String {
    let own = Path::new(NAVETTE).parent().expect("it lies in a folder");
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", block])
        .current_dir(folder)
        .env("PATH", path)
        .env("NAVETTE_CONFIG", gateway.dir().join("navette.toml"))
        .env("CURL_CA_BUNDLE", &pki().root)
        .envs(more.iter().copied());
    process::run(&shell, PATIENCE).succeeded()
}

/// Ids and secrets in the order in which they were shown.
fn shown(text: &str) -> Vec<(String, String)> {
    let told = |what: &str| {
        let lines = text.lines();
        let values = lines.filter_map(|line| line.strip_prefix(what));
        let values = values.map(|value| value.trim().to_owned());
        values.collect::<Vec<_>>()
    };
    let (ids, secrets) = (told("client id:"), told("client secret:"));
    ids.into_iter().zip(secrets).collect()
}

#[test]
fn the_page_connects_an_osl_and_an_si_as_it_is_written() {
    let gateway = Kit::new(Engine::Sqlite).with_hub().start();
    let referential = fs::canonicalize("fixtures/hubee/referential.json").unwrap();
    gateway
        .run(&["hubee", "import", &referential.display().to_string()])
        .succeeded();
    let folder = scratch::fresh("page");
    fs::copy("fixtures/facture.pdf", folder.join("acte.pdf")).unwrap();
    let blocks = blocks();
    let [clients, proof] = &blocks[..] else {
        panic!("a block of clients and one of calls: {blocks:?}");
    };
    let clients = shown(&play(&gateway, &folder, clients, &[]));
    let [osl, si, _, _] = &clients[..] else {
        panic!("an OSL, an SI, the operator, DataPass: {clients:?}");
    };
    let proof = proof.replace("https://hub.example.org:8444", &gateway.hub_url(""));
    let secrets = [
        ("OSL_ID", &*osl.0),
        ("OSL_SECRET", &*osl.1),
        ("SI_ID", &*si.0),
        ("SI_SECRET", &*si.1),
    ];
    let trace = play(&gateway, &folder, &proof, &secrets);
    let [sent, received] = ["acte.pdf", "received.pdf"].map(|name| fs::read(folder.join(name)));
    assert_eq!(sent.unwrap(), received.unwrap());
    for kind in ["folder.notified", "event.created", "notification.deleted"] {
        assert!(trace.contains(kind), "{kind}: {trace}");
    }
}
