//! clamd, over TCP or a socket of the machine: one connection a scan, the content streamed by `INSTREAM`, one deadline.
//!
//! Only the exact answer `stream: OK` is clean. A signature is found by the exact form `stream: NAME FOUND`, save those by
//! which clamd says that it did not look at all of it. Whatever else comes, late, cut or not at all, is no verdict.
//!
//! Without a verdict it lies with the content where that will meet the same limit each time. All else is the antivirus's own trouble, and
//! passes: its errors (no memory, no room for its files), and the limit of its time, which a busy machine meets sooner.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

use crate::{
    config::{Antivirus, ClamdAddress},
    kernel::fault::{Fault, Result},
};

/// The longest chunk that is sent at once, in bytes.
const CHUNK: usize = 256 * 1024;
/// The longest answer that is read, in bytes.
const ANSWER: u64 = 4096;
/// The longest name of a signature that is kept, in characters.
const NAME: usize = 128;
/// How long clamd may take to answer a greeting.
const GREETING: Duration = Duration::from_secs(2);
/// What clamd calls a content of which it did not look at all (with `AlertExceedsMax`), before the limit's name.
const OVER_LIMITS: &str = "Heuristics.Limits.Exceeded";
/// The limits that a content meets each time: those of sizes, numbers and depth, and (by how they begin) those of mails.
const OF_THE_CONTENT: [&str; 5] = [
    "MaxFileSize",
    "MaxScanSize",
    "MaxFiles",
    "MaxRecursion",
    "Email",
];

/// A connection of either kind.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// The antivirus. A cheap handle.
#[derive(Clone, Debug)]
pub struct Clamd(Arc<Antivirus>);

/// What became of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// All of it was looked at, and nothing found.
    Clean,
    /// This signature was found.
    Found(String),
    /// There is no verdict.
    Unknown(Why),
}

/// Why there is no verdict. The text form is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Nothing answers there.
    #[error("antivirus-down")]
    Down,
    /// No answer in time; or it says itself that it had not the time for all of it.
    #[error("antivirus-timeout")]
    Timeout,
    /// The connection ended within the scan.
    #[error("antivirus-cut")]
    Cut,
    /// The content is over what the antivirus looks at.
    #[error("antivirus-limits")]
    Limits,
    /// It answered something else.
    #[error("antivirus-answer")]
    Answer,
}

impl Why {
    /// Whether it lies with the one content, not with the antivirus.
    pub fn is_of_the_content(self) -> bool {
        self == Self::Limits
    }
}

impl Clamd {
    /// The antivirus of the settings.
    pub fn new(settings: Antivirus) -> Self {
        Self(Arc::new(settings))
    }

    /// Has a content of `size` bytes looked at. Fails only where the content itself cannot be read.
    pub async fn scan(
        &self,
        size: u64,
        content: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<Scanned> {
        if size > self.0.max_bytes {
            return Ok(Scanned::Unknown(Why::Limits));
        }
        match tokio::time::timeout(self.0.timeout, self.asked(content)).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(Scanned::Unknown(Why::Timeout)),
        }
    }

    /// Asks whether it is there. Fails with `unavailable` where it is not.
    pub async fn greet(&self) -> Result<()> {
        let greeted = async {
            let mut wire = self.connect().await?;
            wire.write_all(b"zPING\0").await?;
            answer(&mut wire).await
        };
        match tokio::time::timeout(GREETING, greeted).await {
            Ok(Ok(said)) if said == b"PONG\0" => Ok(()),
            Ok(Ok(_)) => Err(Fault::unavailable("clamd answers something else")),
            Ok(Err(error)) => Err(Fault::unavailable(format!("clamd: {error}"))),
            Err(_) => Err(Fault::unavailable("clamd does not answer")),
        }
    }

    async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        Ok(match &self.0.address {
            ClamdAddress::Tcp(address) => Box::new(TcpStream::connect(address.as_str()).await?),
            ClamdAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }

    async fn asked(&self, content: impl Stream<Item = Result<Bytes>> + Send) -> Result<Scanned> {
        let Ok(wire) = self.connect().await else {
            return Ok(Scanned::Unknown(Why::Down));
        };
        let (mut reading, mut writing) = tokio::io::split(wire);
        let sending = send(&mut writing, content);
        let answering = answer(&mut reading);
        tokio::pin!(sending, answering);
        // It may answer before it has all: over its limits it says so, and hangs up.
        let (said, whole) = tokio::select! {
            biased;
            sent = &mut sending => {
                let whole = sent?.is_ok();
                (answering.await, whole)
            }
            said = &mut answering => (said, false),
        };
        let verdict = said.map_or(Scanned::Unknown(Why::Cut), |said| judge(&said));
        Ok(match verdict {
            // Nobody can have looked at what was not sent.
            Scanned::Clean if !whole => Scanned::Unknown(Why::Answer),
            verdict => verdict,
        })
    }
}

/// Sends the content as clamd wants it: each chunk behind its length, an empty one at the end. The outer fault is the
/// content's, the inner error the wire's.
async fn send(
    wire: &mut (impl AsyncWrite + Unpin),
    content: impl Stream<Item = Result<Bytes>> + Send,
) -> Result<io::Result<()>> {
    tokio::pin!(content);
    if let Err(error) = wire.write_all(b"zINSTREAM\0").await {
        return Ok(Err(error));
    }
    while let Some(piece) = content.next().await {
        let piece = piece?;
        for chunk in piece.chunks(CHUNK) {
            if let Err(error) = send_chunk(wire, chunk).await {
                return Ok(Err(error));
            }
        }
    }
    Ok(send_chunk(wire, &[]).await)
}

async fn send_chunk(wire: &mut (impl AsyncWrite + Unpin), chunk: &[u8]) -> io::Result<()> {
    let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
    wire.write_all(&length.to_be_bytes()).await?;
    wire.write_all(chunk).await?;
    wire.flush().await
}

/// The answer, up to its terminator or to the end of the connection.
async fn answer(wire: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let (mut said, mut wire) = (Vec::new(), wire.take(ANSWER));
    while said.last() != Some(&0) {
        if wire.read_buf(&mut said).await? == 0 {
            break;
        }
    }
    match said.is_empty() {
        true => Err(io::ErrorKind::UnexpectedEof.into()),
        false => Ok(said),
    }
}

fn judge(said: &[u8]) -> Scanned {
    let Some(said) = said.strip_suffix(b"\0") else {
        return Scanned::Unknown(Why::Cut);
    };
    let Ok(said) = std::str::from_utf8(said) else {
        return Scanned::Unknown(Why::Answer);
    };
    if said == "stream: OK" {
        return Scanned::Clean;
    }
    let found = said.strip_prefix("stream: ");
    match found.and_then(|rest| rest.strip_suffix(" FOUND")) {
        Some(name) if name.starts_with(OVER_LIMITS) => Scanned::Unknown(limit(name)),
        Some(name) if !name.is_empty() => Scanned::Found(plain(name)),
        _ if said.contains("size limit exceeded") => Scanned::Unknown(Why::Limits),
        _ => Scanned::Unknown(Why::Answer),
    }
}

/// Why a content was not looked at whole, by the name that clamd gives it.
fn limit(name: &str) -> Why {
    let limit = name.strip_prefix(OVER_LIMITS).unwrap_or_default();
    let limit = limit.trim_start_matches('.');
    match limit {
        "MaxScanTime" => Why::Timeout,
        _ if OF_THE_CONTENT.iter().any(|of| limit.starts_with(of)) => Why::Limits,
        _ => Why::Answer,
    }
}

/// A signature's name as it may be kept and shown.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    kept.take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_answer_is_clean() {
        assert_eq!(judge(b"stream: OK\0"), Scanned::Clean);
        let no_verdict: [&[u8]; 9] = [
            b"stream: OK",
            b"stream: OK\n",
            b"stream: OK\n\0",
            b"stream: ok\0",
            b" stream: OK\0",
            b"OK\0",
            b"\0",
            b"stream:  FOUND\0",
            b"stream: \xff OK\0",
        ];
        for said in no_verdict {
            assert!(matches!(judge(said), Scanned::Unknown(_)), "{said:?}");
        }
    }

    #[test]
    fn a_signature_is_named_and_a_limit_is_none() {
        let found = judge(b"stream: Eicar-Test.UNOFFICIAL FOUND\0");
        assert_eq!(found, Scanned::Found("Eicar-Test.UNOFFICIAL".to_owned()));
        for said in [
            &b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0"[..],
            b"stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0",
            b"stream: Heuristics.Limits.Exceeded.EmailHeaders FOUND\0",
            b"INSTREAM size limit exceeded. ERROR\0",
        ] {
            assert_eq!(judge(said), Scanned::Unknown(Why::Limits));
        }
    }

    #[test]
    fn only_a_limit_that_a_content_meets_each_time_lies_with_the_content() {
        let troubles: [(&[u8], Why); 4] = [
            (b"stream: Can't allocate memory ERROR\0", Why::Answer),
            (b"stream: Can't open file or directory ERROR\0", Why::Answer),
            (
                b"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0",
                Why::Timeout,
            ),
            (b"stream: Heuristics.Limits.Exceeded FOUND\0", Why::Answer),
        ];
        for (said, why) in troubles {
            assert_eq!(judge(said), Scanned::Unknown(why));
            assert!(!why.is_of_the_content(), "{why}");
        }
        assert!(Why::Limits.is_of_the_content());
    }
}
