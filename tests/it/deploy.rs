//! The examples of deployment, held to the binary: systemd's own judge over the units; the container's files, which no engine
//! here can build, against what they name.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

use crate::kit::{
    gateway::{Engine, Kit},
    process::{self, Finished},
    scratch,
};

/// Seconds for one command.
const PATIENCE: u32 = 60;
/// The units and what each runs.
const UNITS: [(&str, &str); 2] = [
    ("navette.service", "serve --with-worker"),
    ("navette-worker.service", "worker"),
];
/// systemd's measure of what a unit may do, 0 to 10, in tenths: above 2.0 it is no longer confined well.
const EXPOSURE: &str = "--threshold=20";
/// How long the units' processes and the containers may take to end: longer than the worker's grace of 40 s.
const END: u32 = 60;

fn shipped(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn systemd_analyze(arguments: &[&str]) -> Finished {
    let mut command = Command::new("systemd-analyze");
    process::run(command.args(arguments), PATIENCE)
}

#[test]
fn systemd_reads_the_units_without_a_complaint_and_finds_them_well_confined() {
    let folder = scratch::fresh("units");
    for (name, runs) in UNITS {
        let text = shipped(&format!("systemd/{name}"));
        assert!(
            text.contains(&format!("ExecStart=/usr/bin/navette {runs}\n")),
            "{name}"
        );
        assert!(text.contains(&format!("TimeoutStopSec={END}\n")), "{name}");
        // Where the package would put the binary, there is none here.
        let unit = folder.join(name);
        let here = text.replace("/usr/bin/navette", env!("CARGO_BIN_EXE_navette"));
        fs::write(&unit, here).expect("the scratch directory is writable");
        let unit = unit.to_str().expect("scratch paths are text");
        let verified = systemd_analyze(&["verify", "--recursive-errors=no", unit]);
        let complaints: Vec<_> = verified
            .stderr
            .lines()
            .filter(|line| line.contains(name))
            .collect();
        assert!(
            verified.status.success() && complaints.is_empty(),
            "{complaints:#?}"
        );
        let judged = systemd_analyze(&["security", "--offline=true", EXPOSURE, unit]);
        assert!(judged.status.success(), "{}", judged.stdout);
    }
}

/// The instructions of a Containerfile, by their word; continued lines are put together.
fn instructions(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let split = lines.filter_map(|line| line.split_once(' '));
    split
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

fn compose() -> Value {
    serde_norway::from_str(&shipped("container/compose.yaml")).expect("it is YAML")
}

/// A service with what it takes over from another.
fn service(name: &str) -> BTreeMap<String, Value> {
    let all = compose()["services"].clone();
    let mut merged = BTreeMap::new();
    for layer in [&all[name]["<<"], &all[name]] {
        for (key, value) in layer.as_object().into_iter().flatten() {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged
}

#[test]
fn the_containers_files_agree_with_the_binary_and_with_each_other() {
    let all = instructions(&shipped("container/Containerfile"));
    let the = |word: &str| -> Vec<&str> {
        all.iter()
            .filter(|(known, _)| known == word)
            .map(|(_, rest)| &**rest)
            .collect()
    };
    let entry: Vec<String> = serde_json::from_str(the("ENTRYPOINT")[0]).expect("a list");
    let copied = the("COPY")
        .into_iter()
        .find(|copy| copy.contains("--from=build"));
    assert!(
        copied.is_some_and(|copy| copy.ends_with(&entry[0])),
        "{entry:?}: not what was copied"
    );
    assert!(
        the("RUN")
            .iter()
            .any(|run| run.contains("useradd") && run.contains(" navette"))
    );
    assert_eq!(the("USER"), ["navette"], "not root");
    assert_eq!(the("EXPOSE"), ["8443"], "the listener's default port");
    let rust = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        the("FROM")[0].contains(&format!("rust:{rust}-")),
        "{:?}",
        the("FROM")
    );
    let debian = |from: &str| from.contains("bookworm");
    assert!(
        the("FROM").into_iter().all(debian),
        "built and run on one release"
    );
    let start: Vec<String> = serde_json::from_str(the("CMD")[0]).expect("a list");
    let home = the("VOLUME")[0];
    let settings = the("ENV")[0]
        .strip_prefix("NAVETTE_CONFIG=")
        .expect("where the settings are");
    for name in ["serve", "worker"] {
        let service = service(name);
        let volumes = service["volumes"].to_string();
        assert!(volumes.contains(&format!(":{home}\"")), "{name}: {volumes}");
        let folder = Path::new(settings)
            .parent()
            .and_then(Path::to_str)
            .expect("a folder");
        assert!(
            volumes.contains(&format!(":{folder}:ro\"")),
            "{name}: {volumes}"
        );
        assert_eq!(service["environment"]["NAVETTE_DATA_DIR"], home);
        assert_eq!(service["stop_grace_period"], format!("{END}s"));
        assert_eq!(
            (&service["read_only"], &service["cap_drop"]),
            (&true.into(), &serde_json::json!(["ALL"]))
        );
        let command = service["command"].clone();
        understands(&serde_json::from_value::<Vec<String>>(command).expect("a list"));
    }
    understands(&start);
}

/// The binary knows these words.
fn understands(words: &[String]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    process::run(command.args(words).arg("--help"), PATIENCE).succeeded();
}

/// Its variables are settings of the gateway, and the settings are sound with them.
#[test]
fn what_compose_sets_is_understood_by_the_settings() {
    let gateway = Kit::new(Engine::Sqlite).stopped();
    let secret = gateway.dir().join("database.password");
    fs::write(&secret, "secret").expect("the scratch directory is writable");
    let set = service("serve")["environment"].clone();
    let set: BTreeMap<String, String> = serde_json::from_value(set).expect("names and texts");
    let mut wanted = gateway.prepared(&["check-config"]);
    for (name, value) in &set {
        let here = match name.as_str() {
            "NAVETTE_DATA_DIR" => gateway.dir().join("data").display().to_string(),
            "NAVETTE_DATABASE__PASSWORD_FILE" => secret.display().to_string(),
            _ => value.clone(),
        };
        wanted.env(name, here);
    }
    process::run(&wanted, PATIENCE).succeeded();
    wanted.env("NAVETTE_DATABASE__PASSWORT_FILE", "x");
    let refused = process::run(&wanted, PATIENCE);
    assert!(!refused.status.success(), "a slip of the pen is told");
}
