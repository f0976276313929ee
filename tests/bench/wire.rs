//! One keep-alive connection over TLS, written by hand down to the bytes: the load shares the processors with what it
//! measures.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::kit::{pki::Identity, tls};

/// A connection and the last answer on it.
#[derive(Debug)]
pub struct Wire {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    head: usize,
}

/// What all connections of a client share.
pub fn connector(identity: Option<&Identity>) -> TlsConnector {
    TlsConnector::from(Arc::new(tls::client(identity)))
}

impl Wire {
    /// Connects and shakes hands.
    pub async fn open(address: SocketAddr, connector: &TlsConnector) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let name = "localhost".try_into().expect("a valid name");
        Ok(Self {
            stream: connector.connect(name, socket).await?,
            buffer: Vec::with_capacity(16_384),
            head: 0,
        })
    }

    /// Sends the parts of a request, one after the other.
    pub async fn send(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        for part in parts {
            self.stream.write_all(part).await?;
        }
        self.stream.flush().await
    }

    /// Reads one whole answer and gives its status.
    pub async fn answer(&mut self) -> io::Result<u16> {
        let (status, length) = self.head().await?;
        while self.buffer.len() < self.head + length {
            self.more().await?;
        }
        Ok(status)
    }

    /// Reads an answer's body as it comes; gives its status and how many bytes it had.
    pub async fn drain(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<(u16, usize)> {
        let (status, length) = self.head().await?;
        let mut read = self.buffer.len() - self.head;
        take(&self.buffer[self.head..]);
        while read < length {
            self.buffer.truncate(self.head);
            self.more().await?;
            take(&self.buffer[self.head..]);
            read += self.buffer.len() - self.head;
        }
        Ok((status, read))
    }

    /// Everything that was read of the last answer.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// The last answer's body.
    pub fn body(&self) -> &[u8] {
        &self.buffer[self.head..]
    }

    /// A header of the last answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(&self.buffer[..self.head]).ok()?;
        head.lines().find_map(|line| value(line, name))
    }

    /// Reads until the head is there: status and length of the body.
    async fn head(&mut self) -> io::Result<(u16, usize)> {
        self.buffer.clear();
        self.head = loop {
            if let Some(end) = end_of_head(&self.buffer) {
                break end;
            }
            self.more().await?;
        };
        let status = self.text().get(9..12).and_then(|text| text.parse().ok());
        let length = self.header("content-length");
        let length = length.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok((status.ok_or(io::ErrorKind::InvalidData)?, length))
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn end_of_head(buffer: &[u8]) -> Option<usize> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}

fn value<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case(wanted).then(|| value.trim())
}
