use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::stream;

use super::*;

const META: (&str, &str) = ("metadata", "{\"a\":1}");
const FILE: (&str, &str) = ("content", "the bytes\r\n--not-the-boundary\r\n");

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        "multipart/form-data; boundary=xYz".parse().unwrap(),
    );
    headers
}

fn form(parts: &[(&str, &str)]) -> String {
    let written = parts.iter().map(|(name, value)| {
        format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    written.collect::<String>() + "--xYz--\r\n"
}

fn in_pieces(text: &str, size: usize) -> Body {
    let pieces: Vec<_> = text
        .as_bytes()
        .chunks(size)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    Body::from_stream(stream::iter(pieces))
}

async fn read(body: Body) -> Result<(Bytes, Vec<u8>)> {
    let mut parts = Parts::open(&headers(), body)?;
    let metadata = parts.metadata().await?;
    let mut content = parts.content().await?;
    let mut whole = Vec::new();
    while let Some(piece) = content.chunk().await? {
        whole.extend_from_slice(&piece);
    }
    drop(content);
    parts.finish().await?;
    Ok((metadata, whole))
}

async fn code_of(text: &str) -> Option<Code> {
    read(in_pieces(text, 7))
        .await
        .err()
        .map(|fault| fault.code())
}

#[tokio::test]
async fn both_parts_come_back_whole_however_the_body_is_cut_into_pieces() {
    let text = form(&[META, FILE]);
    for size in 1..text.len() {
        let (metadata, content) = read(in_pieces(&text, size)).await.unwrap();
        assert_eq!(
            (&metadata[..], &content[..]),
            (META.1.as_bytes(), FILE.1.as_bytes())
        );
    }
}

#[tokio::test]
async fn each_wrong_order_of_parts_has_its_code() {
    let cases: [(&[(&str, &str)], Code); 8] = [
        (&[], Code::MetadataMissing),
        (&[FILE], Code::MetadataMissing),
        (&[FILE, META], Code::MetadataMisplaced),
        (&[META, META, FILE], Code::MetadataRepeated),
        (&[META, FILE, META], Code::MetadataRepeated),
        (&[META], Code::ContentMissing),
        (&[META, FILE, FILE], Code::RequestMalformed),
        (&[("other", ""), META, FILE], Code::RequestMalformed),
    ];
    for (parts, code) in cases {
        let text = form(parts);
        let text = if parts.is_empty() {
            "--xYz--\r\n"
        } else {
            &text
        };
        assert_eq!(code_of(text).await, Some(code), "{text}");
    }
}

#[tokio::test]
async fn a_body_cut_anywhere_before_its_last_boundary_is_malformed_or_lacks_a_part() {
    let text = form(&[META, FILE]);
    for length in 0..text.len() - 4 {
        assert!(code_of(&text[..length]).await.is_some(), "cut at {length}");
    }
}

#[tokio::test]
async fn metadata_may_have_65_536_bytes_and_not_one_more() {
    let fitting = form(&[("metadata", &"x".repeat(MAX_METADATA)), FILE]);
    let longer = form(&[("metadata", &"x".repeat(MAX_METADATA + 1)), FILE]);
    assert!(read(in_pieces(&fitting, 5000)).await.is_ok());
    let fault = read(in_pieces(&longer, 5000)).await.unwrap_err();
    assert_eq!(fault.code(), Code::MetadataTooLarge);
}

#[tokio::test]
async fn a_flood_before_the_first_part_or_in_its_head_is_cut_early() {
    let preamble = "junk".repeat(500_000);
    let head = format!("--xYz\r\nX-Flood: {}\r\n\r\n", "y".repeat(2_000_000));
    let many = "--xYz\r\n".to_owned() + &"X-One: 1\r\n".repeat(2000) + "\r\n";
    for text in [preamble, head, many] {
        let fault = read(in_pieces(&text, 4096)).await.unwrap_err();
        assert_eq!(fault.code(), Code::RequestMalformed);
    }
}

#[tokio::test]
async fn a_transfer_encoding_or_another_type_of_metadata_is_refused() {
    let encoded = form(&[META, FILE]).replace(
        "name=\"content\"",
        "name=\"content\"\r\nContent-Transfer-Encoding: base64",
    );
    let typed = form(&[META, FILE]).replace(
        "name=\"metadata\"",
        "name=\"metadata\"\r\nContent-Type: text/plain",
    );
    assert_eq!(code_of(&encoded).await, Some(Code::RequestMalformed));
    assert_eq!(code_of(&typed).await, Some(Code::RequestMalformed));
}

#[test]
fn a_request_of_another_type_or_without_boundary_is_refused_before_reading() {
    let open = |kind: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        Parts::open(&headers, Body::empty()).err().map(|f| f.code())
    };
    assert_eq!(open("application/json"), Some(Code::RequestTypeUnsupported));
    assert_eq!(
        open("multipart/mixed; boundary=a"),
        Some(Code::RequestTypeUnsupported)
    );
    assert_eq!(open("multipart/form-data"), Some(Code::RequestMalformed));
    let long = format!("multipart/form-data; boundary={}", "a".repeat(71));
    assert_eq!(open(&long), Some(Code::RequestMalformed));
}

/// A body of `left` pieces that are all ready, and how many were taken.
fn counted(left: usize, taken: Arc<AtomicU64>) -> Body {
    let head = form(&[META, ("content", "")]).replace("\r\n--xYz--\r\n", "");
    let pieces = (0..left).map(move |index| {
        taken.fetch_add(1, Ordering::Relaxed);
        let piece = if index == 0 {
            Bytes::from(head.clone())
        } else {
            Bytes::from(vec![0; 65_536])
        };
        Ok::<_, Infallible>(piece)
    });
    Body::from_stream(stream::iter(pieces))
}

#[tokio::test]
async fn the_parser_never_takes_more_of_a_ready_body_than_is_asked_of_it() {
    let taken = Arc::new(AtomicU64::new(0));
    let mut parts = Parts::open(&headers(), counted(1000, Arc::clone(&taken))).unwrap();
    parts.metadata().await.unwrap();
    let mut content = parts.content().await.unwrap();
    for asked in 1..20 {
        content.chunk().await.unwrap();
        assert!(taken.load(Ordering::Relaxed) <= asked + 2);
    }
}

#[tokio::test]
async fn a_fault_of_the_body_passes_through_the_parser_unchanged() {
    let pieces = [Err(Fault::new(Code::TooLarge, "…"))];
    let body = Body::from_stream(stream::iter(pieces.into_iter().map(|p: Result<Bytes>| p)));
    assert_eq!(read(body).await.unwrap_err().code(), Code::TooLarge);
}
