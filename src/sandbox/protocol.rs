//! Frames between parent and child: four bytes of length (big-endian), then JSON. A question is followed by the raw bytes
//! of its document, as many as it announces.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest frame that either side reads: findings are small, and a child may have become hostile.
const FRAME_BYTES: usize = 256 * 1024;

/// The first frame: what the child takes away from itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confinement {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Processor time for one document, in seconds.
    pub cpu_seconds: u64,
    /// What a decoder may hold, in bytes.
    pub decoded_bytes: u64,
}

/// The child's answer to its confinement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {}

/// What is asked about one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    /// The inspector's name.
    pub inspector: String,
    /// How many bytes of document follow.
    pub length: u64,
}

/// A value as a frame.
pub(super) fn frame(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value)?;
    let length = checked(frame.len() - 4)?.to_be_bytes();
    frame[..4].copy_from_slice(&length);
    Ok(frame)
}

/// Writes one frame; the child's side.
pub(super) fn send(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    to.write_all(&frame(value)?)?;
    to.flush()
}

/// Reads one frame; the child's side.
pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut body = vec![0; length_of(length)?];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Reads one frame; the parent's side.
pub(super) async fn receive_async<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await?;
    let mut body = vec![0; length_of(length)?];
    from.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}

fn length_of(length: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    checked(length)?;
    Ok(length)
}

fn checked(length: usize) -> io::Result<u32> {
    let short = Some(length).filter(|length| *length <= FRAME_BYTES);
    let length = short.and_then(|length| u32::try_from(length).ok());
    length.ok_or_else(|| io::Error::other("a frame over the limit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_was_sent() {
        let question = Question {
            inspector: "pdf".to_owned(),
            length: 7,
        };
        let mut pipe = Vec::new();
        send(&mut pipe, &question).unwrap();
        assert_eq!(receive::<Question>(&mut &pipe[..]).unwrap(), question);
    }

    #[test]
    fn a_cut_frame_and_one_that_announces_too_much_are_errors() {
        let frame = frame(&Ready {}).unwrap();
        assert!(receive::<Ready>(&mut &frame[..frame.len() - 1]).is_err());
        let mut huge: &[u8] = b"\xFF\xFF\xFF\xFF{}";
        assert!(receive::<Ready>(&mut huge).is_err());
    }
}
