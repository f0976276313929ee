//! Requests written by hand over the naked TLS stream: what no library would send, cut where a test wants it cut.

use std::{io, sync::Arc, time::Duration};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{client::Answer, gateway::Gateway, pki::Identity, tls};

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
        let answer = timeout(PATIENCE, self.read_answer()).await;
        let answer = answer.expect("an answer or an end comes")?;
        answer.keeps_the_contract(method, path);
        Some(answer)
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

    async fn read_answer(&mut self) -> Option<Answer> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = find(&bytes, b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more(&mut bytes).await?;
        };
        let (status, headers) = head(&bytes[..end]);
        let body = match headers.get("content-length") {
            Some(length) => {
                let length: usize = length.to_str().ok()?.parse().ok()?;
                while bytes.len() < end + length {
                    self.read_more(&mut bytes).await?;
                }
                bytes[end..end + length].to_vec()
            }
            None => self.rest_of(bytes.split_off(end)).await,
        };
        Some(Answer {
            status,
            headers,
            body: body.into(),
        })
    }

    async fn rest_of(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        while self.read_more(&mut bytes).await.is_some() {}
        bytes
    }

    async fn read_more(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let mut piece = [0; 16 * 1024];
        let count = self.stream.read(&mut piece).await.ok()?;
        bytes.extend_from_slice(&piece[..count]);
        (count > 0).then_some(())
    }
}

/// A TLS handshake and a first byte of proof: in TLS 1.3 a server refuses a certificate after the client is done.
pub async fn handshake(
    gateway: &Gateway,
    identity: Option<&Identity>,
) -> io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(tls::client(identity)));
    let socket = TcpStream::connect(gateway.address()).await?;
    let name = "localhost".try_into().expect("a valid name");
    connector.connect(name, socket).await
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
