//! The contract's page in a real browser: it shows every operation, and asks nobody else for anything.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

use crate::kit::{
    contract::Contract,
    gateway::{Engine, Gateway, Kit},
    process, scratch,
};

/// Seconds that the browser may take.
const PATIENCE: u32 = 90;

/// What the browser has made of the page, and the log of all that its network layer did.
fn browsed(gateway: &Gateway) -> (String, Value) {
    let home = scratch::fresh("browser");
    let log = home.join("net.json");
    let mut chromium = Command::new("chromium");
    chromium
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .args([
            "--disable-sync",
            "--disable-default-apps",
            "--ignore-certificate-errors",
        ])
        .arg(format!(
            "--user-data-dir={}",
            home.join("profile").display()
        ))
        .arg(format!("--log-net-log={}", log.display()))
        // Time passes for the page's script until it has nothing left to do.
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("{}/v1/docs", origin(gateway)))
        .env("HOME", &home);
    let page = process::run(&chromium, PATIENCE).succeeded();
    (page, read(&log))
}

fn origin(gateway: &Gateway) -> String {
    format!("https://localhost:{}", gateway.address().port())
}

fn read(log: &Path) -> Value {
    let text = fs::read_to_string(log).expect("the browser writes it");
    serde_json::from_str(&text).expect("a log of the network is JSON")
}

/// The addresses that the page had asked for, beside those that the browser asks for by itself.
fn asked_by_the_page(log: &Value, origin: &str) -> BTreeSet<String> {
    let events = log["events"].as_array().expect("a list").iter();
    let params = events.map(|event| &event["params"]);
    let of_the_page = params.filter(|params| {
        let initiator = params["initiator"].as_str().unwrap_or_default();
        initiator.starts_with(origin)
    });
    of_the_page
        .filter_map(|params| params["url"].as_str())
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_the_contract_lists_every_operation_and_asks_no_other_host() {
    let gateway = Kit::new(Engine::Sqlite).start();
    let (page, log) = browsed(&gateway);
    for operation in Contract::load().operations() {
        // The page breaks long paths with a mark of its own.
        let path = operation.path_template.replace('/', "/<wbr>");
        let shown = page.contains(&format!("data-path=\"{}\"", operation.path_template))
            || page.contains(&path);
        assert!(
            shown,
            "{} {} is not on the page",
            operation.method, operation.path_template
        );
    }
    let asked = asked_by_the_page(&log, &origin(&gateway));
    let contract = format!("{}/v1/openapi.json", origin(&gateway));
    assert!(asked.contains(&contract), "{asked:?}");
    let elsewhere: Vec<_> = asked
        .iter()
        .filter(|url| !url.starts_with(&origin(&gateway)) && !url.starts_with("data:"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}
