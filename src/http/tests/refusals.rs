//! Bodies over the limit: the client gets its answer, whatever it is and however it sends.

use super::super::{
    listener::Settings,
    rig::{Authority, Running, routes, run, sparse_file, start},
};

async fn serve(ours: &Authority) -> Running {
    let settings = Settings::default();
    start(Some(ours.tls(&[])), settings, routes(settings)).await
}

/// The status that `curl` prints after sending a file of `length` bytes.
async fn curl(
    ours: &Authority,
    server: &Running,
    path: &str,
    length: u64,
    more: &[&str],
) -> String {
    let (ca, file) = (ours.path("ca.pem"), sparse_file(&ours.path(""), length));
    let url = format!("https://localhost:{}{path}", server.address.port());
    let sent = format!("@{}", file.display());
    let mut arguments = vec!["-s", "-S", "-o", "/dev/null", "-w", "%{http_code}"];
    arguments.extend(["--cacert", ca.to_str().unwrap(), "--data-binary", &sent]);
    arguments.extend(more);
    arguments.push(&url);
    run("curl", &arguments).await.1
}

/// The status that Python's `http.client` sees: it sends everything before it reads.
async fn python(
    ours: &Authority,
    server: &Running,
    path: &str,
    length: u64,
    chunked: bool,
) -> String {
    const SCRIPT: &str = r"
import http.client, ssl, sys
ca, port, path, length, chunked = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
client = http.client.HTTPSConnection('localhost', int(port), context=context)
def pieces():
    left = int(length)
    while left:
        piece = bytes(min(65536, left))
        left -= len(piece)
        yield piece
headers = {} if chunked == 'yes' else {'Content-Length': length}
client.request('POST', path, body=pieces(), headers=headers, encode_chunked=chunked == 'yes')
answer = client.getresponse()
answer.read()
print(answer.status, answer.getheader('connection'))
";
    let ca = ours.path("ca.pem");
    let (port, length) = (server.address.port().to_string(), length.to_string());
    let chunked = if chunked { "yes" } else { "no" };
    let ca = ca.to_str().unwrap();
    let arguments = ["-c", SCRIPT, ca, &port, path, &length, chunked];
    run("python3", &arguments).await.1.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reads_413_for_a_declared_length_over_the_limit_with_and_without_expect() {
    let ours = Authority::new();
    let server = serve(&ours).await;
    for more in [&["-H", "Expect: 100-continue"][..], &["-H", "Expect:"]] {
        assert_eq!(
            curl(&ours, &server, "/refuse", 20_000_001, more).await,
            "413"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reads_413_when_a_chunked_body_passes_the_limit() {
    let ours = Authority::new();
    let server = serve(&ours).await;
    for more in [
        &["-H", "Transfer-Encoding: chunked", "-H", "Expect:"][..],
        &["-H", "Transfer-Encoding: chunked"],
    ] {
        assert_eq!(
            curl(&ours, &server, "/count", 20_000_001, more).await,
            "413"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_413_although_it_sends_everything_first() {
    let ours = Authority::new();
    let server = serve(&ours).await;
    for (path, chunked) in [("/refuse", false), ("/count", false), ("/count", true)] {
        for length in [20_000_001, 200_000_000] {
            assert_eq!(
                python(&ours, &server, path, length, chunked).await,
                "413 close",
                "{path} {length}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reads_413_for_200_megabytes() {
    let ours = Authority::new();
    let server = serve(&ours).await;
    for more in [
        &["-H", "Expect:"][..],
        &["-H", "Transfer-Encoding: chunked", "-H", "Expect:"],
    ] {
        assert_eq!(
            curl(&ours, &server, "/count", 200_000_000, more).await,
            "413"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_at_the_limit_passes() {
    let ours = Authority::new();
    let server = serve(&ours).await;
    let limit = Settings::default().limits.request();
    assert_eq!(curl(&ours, &server, "/count", limit, &[]).await, "200");
    assert_eq!(
        python(&ours, &server, "/count", limit, false).await,
        "200 None"
    );
}
