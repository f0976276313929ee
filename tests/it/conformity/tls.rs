//! sslyze looks at the listeners as an auditor would (ANSSI's TLS guide: 1.2 at least, ECDHE and AEAD only).

use std::{collections::BTreeSet, net::SocketAddr};

use serde_json::Value;

use crate::kit::{
    gateway::{Engine, Kit},
    process, python,
};

/// Seconds that a scan may take.
const PATIENCE: u32 = 120;

fn scan(address: SocketAddr) -> Value {
    let mut command = python::program("sslyze", "python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/python/scan_tls.py");
    command.arg(script).arg(address.port().to_string());
    let text = process::run(&command, PATIENCE).succeeded();
    let result: Value = serde_json::from_str(&text).expect("a result is JSON");
    assert_eq!(result["scan_status"], "COMPLETED", "{result}");
    result["scan_result"].clone()
}

fn accepted(scan: &Value, version: &str) -> BTreeSet<String> {
    let result = &scan[format!("{version}_cipher_suites")];
    assert_eq!(result["status"], "COMPLETED", "{version}");
    let suites = result["result"]["accepted_cipher_suites"].as_array();
    let suites = suites.expect("a list").iter();
    suites
        .map(|suite| {
            suite["cipher_suite"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_listener_speaks_tls_1_2_and_1_3_with_ecdhe_and_aead_only() {
    let gateway = Kit::new(Engine::Sqlite).start();
    is_sound(gateway.address());
}

/// R1: nobody has a client certificate there, and what is spoken is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hubs_listener_speaks_tls_1_2_and_1_3_with_ecdhe_and_aead_only() {
    let gateway = Kit::new(Engine::Sqlite).with_hub().start();
    is_sound(gateway.hub_address());
}

/// Fails unless a listener speaks what an auditor expects of it, and nothing else.
fn is_sound(address: SocketAddr) {
    let scan = scan(address);
    for old in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        assert!(accepted(&scan, old).is_empty(), "{old} is accepted");
    }
    let [second, third] = ["tls_1_2", "tls_1_3"].map(|version| accepted(&scan, version));
    assert!(!second.is_empty() && !third.is_empty());
    for suite in second {
        let sound = suite.starts_with("TLS_ECDHE_")
            && (suite.contains("_GCM_") || suite.contains("_CHACHA20_POLY1305_"));
        assert!(sound, "{suite}");
    }
    for (scanned, field, expected) in [
        ("tls_compression", "supports_compression", false),
        ("tls_1_3_early_data", "supports_early_data", false),
        ("heartbleed", "is_vulnerable_to_heartbleed", false),
        (
            "openssl_ccs_injection",
            "is_vulnerable_to_ccs_injection",
            false,
        ),
        (
            "session_renegotiation",
            "is_vulnerable_to_client_renegotiation_dos",
            false,
        ),
        ("tls_fallback_scsv", "supports_fallback_scsv", true),
    ] {
        assert_eq!(scan[scanned]["result"][field], expected, "{scanned}");
    }
}
