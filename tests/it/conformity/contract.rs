//! Schemathesis reads the contract and sends what it allows, and what it does not.

use crate::{
    both_engines,
    kit::{gateway::Gateway, pki::pki, process, python},
};

/// What every answer is judged for.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// Seconds that it may send for, and that it may take in all.
const BUDGET: &str = "40";
const PATIENCE: u32 = 180;

both_engines! {
    /// API-9: no 5xx and no answer outside the contract, whatever comes, from one who may do everything.
    async fn whatever_a_client_sends_the_answer_is_one_of_the_contract(kit) {
        let gateway = kit.start();
        let token = gateway.client().await.token.unwrap_or_default();
        let judged = tokio::task::spawn_blocking(move || {
            let mut command = schemathesis(&gateway, &token);
            command.current_dir(gateway.dir());
            process::run(&command, PATIENCE)
        });
        judged.await.expect("it is run").succeeded();
    }
}

fn schemathesis(gateway: &Gateway, token: &str) -> std::process::Command {
    let mut command = python::program("schemathesis", "schemathesis");
    let contract = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/schemas/openapi/pieces-v1.yaml"
    );
    command
        .args(["run", contract, "--url", &gateway.url("")])
        .arg("--request-cert")
        .arg(&pki().client.certificate)
        .arg("--request-cert-key")
        .arg(&pki().client.key)
        .arg("--tls-verify")
        .arg(&pki().root)
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", CHECKS, "--max-examples", "20", "--seed", "7"])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-time",
            BUDGET,
        ])
        .args(["--continue-on-failure", "--warnings", "off"])
        // It parses the text of the contract, and then finds that it is no text.
        .args(["--exclude-operation-id", "getContractYaml"]);
    command
}
