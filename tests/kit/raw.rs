//! Requests written by hand over the naked TLS stream: what no library would send, cut where a test wants it cut.

use std::{io, sync::Arc, time::Duration};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{client::Answer, gateway::Gateway, pki::Identity, tls, wait};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the gateway's API.
#[derive(Debug)]
pub struct Raw {
    stream: TlsStream<TcpStream>,
}

impl Raw {
    /// Shakes hands, with a client certificate or without.
    pub async fn connect(gateway: &Gateway, identity: Option<&Identity>) -> Self {
        let stream = handshake(gateway, identity).await;
        Self {
            stream: stream.expect("TLS succeeds"),
        }
    }

    /// Sends bytes; an error tells that the gateway has hung up.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Reads one answer to a call of that method and path and judges it by the contract; `None` where the connection ends
    /// without one.
    pub async fn answer(&mut self, method: &str, path: &str) -> Option<Answer> {
        let answer = timeout(PATIENCE, read_answer(&mut self.stream)).await;
        let answer = answer.expect("an answer or an end comes")?;
        answer.keeps_the_contract(method, path);
        Some(answer)
    }

    /// Sends `piece` again and again until an answer comes, or the end of the connection.
    pub async fn flood(&mut self, piece: &[u8], method: &str, path: &str) -> Option<Answer> {
        self.drip(piece, Duration::ZERO, method, path).await
    }

    /// The same with a pause after each piece.
    pub async fn drip(
        &mut self,
        piece: &[u8],
        pause: Duration,
        method: &str,
        path: &str,
    ) -> Option<Answer> {
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let writing = async {
            while writer.write_all(piece).await.is_ok() && writer.flush().await.is_ok() {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! {
            answer = timeout(PATIENCE, read_answer(&mut reader)) => answer,
            () = writing => unreachable!("it never ends"),
        };
        let answer = answer.expect("an answer or an end comes")?;
        answer.keeps_the_contract(method, path);
        Some(answer)
    }

    /// The status of an answer to what is no call of the contract at all; `None` where the connection just ends.
    pub async fn status(&mut self) -> Option<u16> {
        let answer = timeout(PATIENCE, read_answer(&mut self.stream)).await;
        answer
            .expect("an answer or an end comes")
            .map(|answer| answer.status)
    }

    /// Comes back when the gateway has read every byte that was sent.
    pub async fn delivered(&self) {
        let socket = self.stream.get_ref().0;
        let (ours, theirs) = (socket.local_addr(), socket.peer_addr());
        let ports = (
            ours.expect("connected").port(),
            theirs.expect("connected").port(),
        );
        wait::eventually("empty queue", PATIENCE, async || {
            (unread(ports) == 0).then_some(())
        })
        .await;
    }

    /// Ends the connection as a client does that has nothing more to say, in the middle of whatever it was saying.
    pub async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection as a client does whose process is gone: the peer is told by a reset.
    pub fn reset(self) {
        let (socket, _) = self.stream.get_ref();
        socket.set_zero_linger().expect("it is a socket");
    }
}

async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at + 4;
        }
        read_more(stream, &mut bytes).await?;
    };
    let (status, headers) = head(&bytes[..end]);
    let mut body = bytes.split_off(end);
    let length = headers.get("content-length");
    let length = length.map(|length| length.to_str().ok()?.parse().ok());
    // Without a length it goes on to the end of the connection.
    let length: usize = length.unwrap_or(Some(usize::MAX))?;
    while body.len() < length && read_more(stream, &mut body).await.is_some() {}
    body.truncate(length);
    Some(Answer {
        status,
        headers,
        body: body.into(),
    })
}

async fn read_more(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 16 * 1024];
    let count = stream.read(&mut piece).await.ok()?;
    bytes.extend_from_slice(&piece[..count]);
    (count > 0).then_some(())
}

async fn handshake(
    gateway: &Gateway,
    identity: Option<&Identity>,
) -> io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(tls::client(identity)));
    let socket = TcpStream::connect(gateway.address()).await?;
    let name = "localhost".try_into().expect("a valid name");
    connector.connect(name, socket).await
}

/// Bytes of the connection between two local ports that its end, the latter, has not read: those that its machine has not
/// confirmed, and those that wait there. A reset would take both away. Connections to other places may have the same first port.
fn unread((from, to): (u16, u16)) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux tells");
    let (from, to) = (format!(":{from:04X}"), format!(":{to:04X}"));
    let queues = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (unsent, waiting) = fields.get(4)?.split_once(':')?;
        let is_between =
            |one: &str, other: &str| fields[1].ends_with(one) && fields[2].ends_with(other);
        let queue = match (is_between(&from, &to), is_between(&to, &from)) {
            (true, _) => unsent,
            (_, true) => waiting,
            _ => return None,
        };
        Some(u64::from_str_radix(queue, 16).expect("hexadecimal"))
    });
    queues.sum()
}

fn head(bytes: &[u8]) -> (u16, HeaderMap) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
    let fields = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    });
    (status.expect("a status line"), fields.collect())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// The kernel gives one outgoing port to connections to different places.
    #[tokio::test]
    async fn what_another_connection_of_the_same_port_left_unread_is_not_counted() {
        let (asked, other) = (listener().await, listener().await);
        let mut one = connected(None, &asked).await;
        let from = one.local_addr().unwrap();
        let mut same = connected(Some(from.port()), &other).await;
        let to = |listener: &TcpListener| (from.port(), listener.local_addr().unwrap().port());
        // Bytes that are there and not yet confirmed are counted at both ends.
        same.write_all(b"unread").await.unwrap();
        assert_eq!((unread(to(&asked)), unread(to(&other)) > 0), (0, true));
        one.write_all(b"too").await.unwrap();
        assert!(unread(to(&asked)) > 0);
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    async fn connected(port: Option<u16>, to: &TcpListener) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        let from = std::net::SocketAddr::from(([127, 0, 0, 1], port.unwrap_or(0)));
        socket.bind(from).unwrap();
        socket.connect(to.local_addr().unwrap()).await.unwrap()
    }
}
