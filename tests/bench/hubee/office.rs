//! Someone of the hub on a connection of his own: a token, and calls written by hand.

use std::net::SocketAddr;

use tokio_rustls::TlsConnector;

use crate::{
    kit::hubee::{build::File, caller::Caller},
    wire::{self, Wire},
};

/// A connection with a token.
#[derive(Debug)]
pub struct Office {
    wire: Wire,
    address: SocketAddr,
    token: String,
}

/// What all connections of the hub's clients share: they show no certificate.
pub fn connector() -> TlsConnector {
    wire::connector(None)
}

impl Office {
    /// Connects as the caller.
    pub async fn open(address: SocketAddr, connector: &TlsConnector, caller: &Caller) -> Self {
        let wire = Wire::open(address, connector).await;
        Self {
            wire: wire.expect("the hub takes connections"),
            address,
            token: caller.token.clone().expect("it has asked for one"),
        }
    }

    /// Sends a body and gives that of the answer, which must have this status.
    pub async fn call(&mut self, line: &str, kind: &str, body: &[u8], expected: u16) -> &[u8] {
        let head = self.head(line, kind, body.len() as u64);
        let sent = self.wire.send(&[head.as_bytes(), body]).await;
        let status = self.wire.answer().await;
        let text = || self.wire.text();
        assert_eq!(status.ok(), Some(expected), "{sent:?}, {line}: {}", text());
        self.wire.body()
    }

    /// Uploads a file.
    pub async fn upload(&mut self, path: &str, file: &File) {
        let line = format!("PUT {path}");
        let kind = "application/octet-stream";
        self.call(&line, kind, &file.bytes, 204).await;
    }

    /// The head of a request, up to its body.
    pub fn head(&self, line: &str, kind: &str, length: u64) -> String {
        format!(
            "{line} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\n\
             content-length: {length}\r\n\r\n",
            self.address, self.token
        )
    }

    /// The connection itself.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }
}
