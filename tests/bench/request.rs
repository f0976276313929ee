//! A request prepared once and sent many times, another one each time.
//!
//! The text around the content holds [`MARK`]s; each sending overwrites them with a number never used before. They
//! all lie in the first bytes, which each connection has for itself; the rest is shared by all connections.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::kit::client::metadata;

/// Stands for the number of the request: sixteen characters.
pub const MARK: &str = "################";

/// One TLS record: a front of this size costs no record of its own.
const FRONT: usize = 16_384;

const BOUNDARY: &str = "frontiere-des-parties-d-une-piece";

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A request as bytes, with places to number.
#[derive(Clone, Debug)]
pub struct Request {
    front: Vec<u8>,
    rest: Arc<[u8]>,
    marks: Vec<Range<usize>>,
}

impl Request {
    /// Joins head and body. Marks beyond the first 16 KiB would be sent as they stand: there must be none.
    pub fn new(head: &str, body: &[u8]) -> Self {
        let mut front = head.as_bytes().to_vec();
        let cut = FRONT.saturating_sub(front.len()).min(body.len());
        front.extend_from_slice(&body[..cut]);
        Self {
            marks: marks(&front),
            front,
            rest: body[cut..].into(),
        }
    }

    /// A `PUT` of the content to a path of its own under `/`.
    pub fn put(content: &[u8]) -> Self {
        let length = content.len();
        let head =
            format!("PUT /{MARK} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
        Self::new(&head, content)
    }

    /// A piece of a dossier of its own, for `project`.
    pub fn piece(address: SocketAddr, token: &str, project: &str, content: &[u8]) -> Self {
        let body = multipart(project, content);
        let head = format!(
            "POST /v1/pieces HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self::new(&head, &body)
    }

    /// The two stretches of bytes of the next request.
    pub fn next(&mut self) -> (&[u8], &[u8]) {
        let number = format!("{:016x}", NEXT.fetch_add(1, Ordering::Relaxed));
        for mark in &self.marks {
            self.front[mark.clone()].copy_from_slice(number.as_bytes());
        }
        (&self.front, &self.rest)
    }
}

fn multipart(project: &str, content: &[u8]) -> Vec<u8> {
    let mut metadata = metadata(MARK);
    metadata["project"] = project.into();
    let part = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=");
    let before = format!(
        "{part}\"metadata\"\r\ncontent-type: application/json\r\n\r\n{metadata}\r\n\
         {part}\"content\"; filename=\"facture.pdf\"\r\ncontent-type: application/pdf\r\n\r\n"
    );
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    [before.as_bytes(), content, after.as_bytes()].concat()
}

fn marks(front: &[u8]) -> Vec<Range<usize>> {
    let mark = MARK.as_bytes();
    let starts = front.windows(mark.len()).enumerate();
    starts
        .filter(|(_, window)| *window == mark)
        .map(|(start, _)| start..start + mark.len())
        .collect()
}
