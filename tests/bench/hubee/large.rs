//! A PDF of a gigabyte that is never whole in memory: the same noise again and again between a head and a tail.

use std::{net::SocketAddr, time::Instant};

use crate::{
    kit::{document, hubee::build::File},
    wire::Wire,
};

/// Bytes: the largest attachment of the specification.
pub const SIZE: u64 = 1 << 30;
/// Bytes of the noise that is repeated.
const CHUNK: usize = 256 * 1024;

/// Its parts.
#[derive(Debug)]
pub struct Large {
    head: Vec<u8>,
    noise: Vec<u8>,
    tail: Vec<u8>,
}

impl Large {
    /// Makes them.
    pub fn new() -> Self {
        let mut head = document::pdf("un-giga", 3 * CHUNK);
        let tail = head.split_off(2 * CHUNK);
        let noise = head[CHUNK..].to_vec();
        Self { head, noise, tail }
    }

    /// What is said of it before it is sent.
    pub fn file(&self) -> File {
        let mut file = File::of("un-giga.pdf", "application/pdf", Vec::new());
        file.said["size"] = SIZE.into();
        file
    }

    /// Sends it behind the head of a request, and gives the rate in MB/s, from its first byte to the answer.
    pub async fn send(&self, wire: &mut Wire, head: &str, expected: u16) -> f64 {
        let start = Instant::now();
        let sent = self.write(wire, head).await;
        let status = wire.answer().await;
        let text = wire.text();
        assert_eq!(status.ok(), Some(expected), "{sent:?}: {text}");
        SIZE as f64 / 1e6 / start.elapsed().as_secs_f64()
    }

    /// The same as a `PUT` to a path of nginx.
    pub async fn put(&self, wire: &mut Wire, address: SocketAddr, number: usize) -> f64 {
        let head = format!(
            "PUT /giga-{number} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {SIZE}\r\n\r\n"
        );
        self.send(wire, &head, 201).await
    }

    /// Its bytes, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.head.len() + self.tail.len();
        let between = usize::try_from(SIZE).expect("64 bits") - ends;
        let rest = &self.noise[..between % CHUNK];
        let noise = std::iter::repeat_n(&self.noise[..], between / CHUNK);
        std::iter::once(&self.head[..])
            .chain(noise)
            .chain([rest, &self.tail[..]])
    }

    async fn write(&self, wire: &mut Wire, head: &str) -> std::io::Result<()> {
        wire.send(&[head.as_bytes()]).await?;
        for chunk in self.chunks() {
            wire.send(&[chunk]).await?;
        }
        Ok(())
    }
}
