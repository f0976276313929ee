//! The loopback listener, read with the plainest of clients.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Status and body of a `GET`; `None` when nothing answers within 5 s.
pub fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.get(9..12)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// The sum of a metric's samples in a Prometheus text.
pub fn metric(text: &str, name: &str) -> f64 {
    text.lines().filter_map(|line| sample(line, name)).sum()
}

/// The value of a metric's one sample that has all of these labels (`name="value"`).
pub fn labelled(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let mut lines = text
        .lines()
        .filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.find_map(|line| sample(line, name))
}

fn sample(line: &str, name: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let whole = rest.starts_with(['{', ' ']);
    let value = rest.rsplit(' ').next()?;
    whole.then(|| value.parse().ok()).flatten()
}
