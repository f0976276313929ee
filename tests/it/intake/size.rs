//! The limit of a complete transaction (API-3): declared, chunked, lied about. The sender gets the answer, whatever it is.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use super::Desk;
use crate::{
    both_engines,
    kit::{
        client::{Answer, metadata},
        document,
        gateway::Gateway,
        pki::pki,
        process, scratch,
    },
};

/// One byte over the limit that the contract names.
const OVER: u64 = 20_000_001;
/// A limit that is soon reached, for tests of its edge.
const LIMIT: usize = 400_000;
const RESERVE: usize = 100_000;

/// Sends everything before it reads, as Python's own library does.
const PYTHON: &str = r"
import http.client, ssl, sys
host, port, ca, cert, key, token, prefix, length, chunked = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(cert, key)
client = http.client.HTTPSConnection(host, int(port), context=context)
def pieces():
    yield prefix.encode()
    left = int(length) - len(prefix.encode())
    while left:
        piece = bytes(min(65536, left))
        left -= len(piece)
        yield piece
headers = {'Authorization': 'Bearer ' + token, 'Content-Type': 'multipart/form-data; boundary=b'}
if chunked == 'no':
    headers['Content-Length'] = length
client.request('POST', '/v1/pieces', body=pieces(), headers=headers, encode_chunked=chunked == 'yes')
answer = client.getresponse()
print(answer.status)
print(answer.read().decode())
";

fn python(desk: &Desk, chunked: &str) -> (u16, Value) {
    let (address, client) = (desk.gateway.address(), &pki().client);
    let mut command = Command::new("python3");
    command.args(["-c", PYTHON, "localhost", &address.port().to_string()]);
    command
        .arg(&pki().root)
        .arg(&client.certificate)
        .arg(&client.key);
    command.args([
        desk.client.token.as_deref().unwrap(),
        &prefix(),
        &OVER.to_string(),
        chunked,
    ]);
    let said = process::run(&command, 120).succeeded();
    let (status, body) = said.split_once('\n').expect("two lines");
    (
        status.parse().unwrap(),
        serde_json::from_str(body).expect(body),
    )
}

/// The beginning of a body that is refused for nothing but its length.
fn prefix() -> String {
    let metadata = metadata("D-1");
    format!(
        "--b\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n\
         --b\r\ncontent-disposition: form-data; name=\"content\"\r\n\r\n"
    )
}

fn curl(desk: &Desk, more: &[&str]) -> (u16, Value) {
    let client = &pki().client;
    let token = desk.client.token.as_deref().unwrap();
    let mut command = Command::new("curl");
    command.args(["-sS", "-w", "\n%{http_code}"]);
    command.args([
        "-F",
        &format!("metadata={};type=application/json", metadata("D-1")),
    ]);
    command.args(["-F", &format!("content=@{}", sparse_file().display())]);
    command.arg("--cacert").arg(&pki().root);
    command.arg("--cert").arg(&client.certificate);
    command.arg("--key").arg(&client.key);
    command.args(["-H", &format!("Authorization: Bearer {token}")]);
    command.args(more).arg(desk.gateway.url("/v1/pieces"));
    let said = process::run(&command, 120).succeeded();
    let (body, status) = said.rsplit_once('\n').expect("two lines");
    (
        status.parse().unwrap(),
        serde_json::from_str(body).expect(body),
    )
}

fn sparse_file() -> PathBuf {
    let path = scratch::fresh("large").join("body");
    std::fs::File::create(&path).unwrap().set_len(OVER).unwrap();
    path
}

#[track_caller]
fn is_too_large((status, problem): &(u16, Value)) {
    assert_eq!(
        (*status, &problem["code"]),
        (413, &Value::from("too-large")),
        "{problem}"
    );
    assert_eq!(problem["limitBytes"], 20_000_000);
    assert!(
        problem["detail"].as_str().unwrap().contains("archives"),
        "{problem}"
    );
}

/// What a request adds to its content, learnt from a piece that came through.
async fn envelope(desk: &Desk) -> usize {
    let id = desk
        .client
        .push(&metadata("D-0"), document::small("x"))
        .await
        .reconciliation_id();
    let piece = desk.client.get(&format!("/v1/pieces/{id}")).await.json();
    (piece["requestBytes"].as_u64().unwrap() - piece["size"].as_u64().unwrap()) as usize
}

async fn push_sized(gateway: &Desk, dossier: &str, size: usize) -> Answer {
    gateway
        .client
        .push(&metadata(dossier), document::pdf(dossier, size))
        .await
}

/// A body without declared length.
async fn push_chunked(desk: &Desk, dossier: &str, size: usize) -> Answer {
    let content = reqwest::Body::from(document::pdf(dossier, size));
    let form = reqwest::multipart::Form::new()
        .part(
            "metadata",
            crate::kit::client::json_part(metadata(dossier).to_string()),
        )
        .part("content", reqwest::multipart::Part::stream(content));
    desk.client.push_form(form).await
}

fn small_limit(kit: crate::kit::gateway::Kit) -> crate::kit::gateway::Kit {
    kit.set("limits.transaction_bytes", LIMIT)
        .set("limits.return_reserve_bytes", RESERVE)
}

fn processed_bytes(gateway: &Gateway) -> u64 {
    gateway.count("SELECT coalesce(max(request_bytes), 0) FROM exchange")
}

both_engines! {
    async fn curl_reads_the_refusal_of_a_declared_length_with_and_without_expect(kit) {
        let desk = Desk::open(kit).await;
        is_too_large(&curl(&desk, &["-H", "Expect: 100-continue"]));
        is_too_large(&curl(&desk, &["-H", "Expect:"]));
        desk.keeps_nothing();
    }

    async fn curl_reads_the_refusal_of_a_chunked_body(kit) {
        let desk = Desk::open(kit).await;
        is_too_large(&curl(&desk, &["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]));
        desk.keeps_nothing();
    }

    async fn python_reads_the_refusal_of_a_declared_length(kit) {
        let desk = Desk::open(kit).await;
        is_too_large(&python(&desk, "no"));
        desk.keeps_nothing();
    }

    async fn python_reads_the_refusal_of_a_chunked_body(kit) {
        let desk = Desk::open(kit).await;
        is_too_large(&python(&desk, "yes"));
        desk.keeps_nothing();
    }

    async fn a_declared_length_over_the_limit_is_told_beside_the_other_faults_of_the_head(kit) {
        let mut desk = Desk::open(small_limit(kit)).await;
        let request = desk.client.request(reqwest::Method::POST, "/v1/pieces").header("content-type", "text/plain");
        let answer = crate::kit::client::finish(request.body(vec![0; LIMIT])).await;
        desk.refuses(&answer, 413, "too-large");
        let codes: Vec<_> = answer.faults().into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes, ["too-large", "request-type-unsupported"]);
    }

    async fn a_request_at_the_limit_passes_and_one_byte_more_does_not(kit) {
        let desk = Desk::open(small_limit(kit)).await;
        let most = LIMIT - RESERVE - envelope(&desk).await;
        let answer = push_sized(&desk, "D-1", most).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(processed_bytes(&desk.gateway), (LIMIT - RESERVE) as u64);
        let answer = push_sized(&desk, "D-2", most + 1).await;
        answer.is_problem(413, "too-large");
        assert_eq!(answer.json()["limitBytes"], LIMIT);
        assert_eq!(answer.json()["returnReserveBytes"], RESERVE);
    }

    async fn a_chunked_body_is_cut_where_it_passes_the_limit(kit) {
        let mut desk = Desk::open(small_limit(kit)).await;
        let answer = push_chunked(&desk, "D-1", LIMIT).await;
        desk.refuses(&answer, 413, "too-large");
        let answer = push_chunked(&desk, "D-2", LIMIT - RESERVE - 2000).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// The default limit, at its edge: what it promises fits.
    async fn a_piece_of_nearly_twenty_megabytes_is_received_whole(kit) {
        let desk = Desk::open(kit).await;
        let content = document::pdf("D-1", 19_900_000);
        let id = desk.client.push(&metadata("D-1"), content.clone()).await.reconciliation_id();
        let read = desk.client.get(&format!("/v1/pieces/{id}/content")).await;
        assert!(read.body == content);
    }
}
