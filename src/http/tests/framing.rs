//! Malformed requests, byte by byte, on a plain socket.

use super::super::{
    listener::Settings,
    rig::{raw, routes, start},
};

/// The statuses of all answers on one connection.
async fn statuses(text: &str) -> Vec<String> {
    let settings = Settings::default();
    let server = start(None, settings, routes(settings)).await;
    let answer = raw(server.address, text.as_bytes()).await;
    let answers = answer.split("HTTP/1.1 ").skip(1);
    answers.map(|answer| answer[..3].to_owned()).collect()
}

#[tokio::test]
async fn ambiguous_lengths_are_refused_or_end_the_connection_so_that_nothing_is_smuggled() {
    let smuggled = "0\r\n\r\nGET /who HTTP/1.1\r\nHost: x\r\n\r\n";
    let both = format!(
        "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}"
    );
    let twice = format!(
        "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n{smuggled}"
    );
    let list = format!("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 4, 5\r\n\r\n{smuggled}");
    let negative =
        format!("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{smuggled}");
    let coded = format!(
        "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n{smuggled}"
    );
    for text in [twice, list, negative, coded] {
        assert_eq!(statuses(&text).await, ["400"], "{text}");
    }
    assert_eq!(statuses(&both).await, ["200"], "{both}");
}

#[tokio::test]
async fn broken_chunks_are_a_malformed_request() {
    for chunks in [
        "zz\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcXX0\r\n\r\n",
        "ffffffffffffffffff\r\n",
    ] {
        let text = format!(
            "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
        );
        assert_eq!(statuses(&text).await, ["400"], "{chunks}");
    }
}

#[tokio::test]
async fn a_flood_of_headers_in_number_or_in_size_is_refused() {
    let many = "X-A: 1\r\n".repeat(500);
    let large = format!("X-A: {}\r\n", "a".repeat(200_000));
    for headers in [many, large] {
        let text = format!("GET /who HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        assert_eq!(statuses(&text).await, ["431"]);
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    for text in [
        "HELO mail\r\n\r\n",
        "GET /who HTTP/1.1\r\nHost : x\r\n\r\n",
        "\u{16}\u{3}\u{1}garbage\r\n\r\n",
    ] {
        assert_eq!(statuses(text).await, ["400"], "{text:?}");
    }
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let text = "GET /who HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2)
        + "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&text).await, ["200", "200", "200"]);
}
