//! JSON answers made small where the client accepts gzip (R6), as they come: a list of 100,000 notifications is never whole in
//! memory. Attachments go as they are: their digest and ranges speak of their own bytes.

use std::{
    io::Write,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::{Buf, Bytes};
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY},
};
use http_body::{Body as _, Frame};

/// The level: JSON shrinks to a tenth already at the quickest.
const LEVEL: u32 = 1;

/// Answers with gzip where the request accepts it and the answer is JSON.
pub async fn where_accepted(request: Request, next: Next) -> Response {
    let accepted = accepts(request.headers());
    let answer = next.run(request).await;
    match is_json(answer.headers()) && !answer.body().is_end_stream() {
        true => varied(answer, accepted),
        false => answer,
    }
}

fn varied(mut answer: Response, accepted: bool) -> Response {
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if !accepted {
        return answer;
    }
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(CONTENT_LENGTH);
    answer.map(|body| Body::new(Gzip::new(body)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
        && !headers.contains_key(CONTENT_ENCODING)
}

/// Whether gzip (or anything) is accepted; `q=0` refuses it.
fn accepts(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let codings: Vec<(String, bool)> = values
        .flat_map(|value| value.split(','))
        .map(|coding| {
            let (name, rest) = coding.split_once(';').unwrap_or((coding, ""));
            let quality = rest.trim().strip_prefix("q=");
            let quality = quality.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0_f32));
            (name.trim().to_ascii_lowercase(), quality > 0.0)
        })
        .collect();
    let named = |wanted: &[&str]| {
        let mut found = codings.iter();
        found
            .find(|(name, _)| wanted.contains(&name.as_str()))
            .map(|(_, accepted)| *accepted)
    };
    named(&["gzip", "x-gzip"])
        .or_else(|| named(&["*"]))
        .unwrap_or(false)
}

/// A body that is compressed as it passes.
struct Gzip {
    inner: Body,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Gzip {
    fn new(inner: Body) -> Self {
        Self {
            inner,
            encoder: Some(GzEncoder::new(Vec::new(), Compression::new(LEVEL))),
        }
    }

    /// Takes in one piece; what is ready to leave comes out.
    fn take(&mut self, mut data: Bytes) -> std::io::Result<Bytes> {
        let Some(encoder) = &mut self.encoder else {
            return Ok(Bytes::new());
        };
        encoder.write_all(&data)?;
        data.advance(data.len());
        Ok(std::mem::take(encoder.get_mut()).into())
    }
}

impl http_body::Body for Gzip {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.encoder.is_some() {
            let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx)).transpose();
            let out = match frame {
                Err(error) => {
                    // No end is written: the client sees that the answer was broken off.
                    self.encoder = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Ok(Some(frame)) => match frame.into_data() {
                    Ok(data) => self.take(data),
                    Err(_) => continue,
                },
                Ok(None) => match self.encoder.take() {
                    Some(encoder) => encoder.finish().map(Bytes::from),
                    None => return Poll::Ready(None),
                },
            };
            match out {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Err(error) => return Poll::Ready(Some(Err(axum::Error::new(error)))),
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http_body_util::BodyExt;

    use super::*;

    fn accepting(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
        accepts(&headers)
    }

    #[test]
    fn gzip_is_accepted_where_it_is_named_or_all_are_and_not_where_it_is_refused() {
        for value in [
            "gzip",
            "gzip, deflate, br",
            "br;q=1.0, GZIP;q=0.8",
            "*",
            "x-gzip",
        ] {
            assert!(accepting(value), "{value}");
        }
        for value in ["", "identity", "br", "gzip;q=0", "gzip;q=0, *"] {
            assert!(!accepting(value), "{value}");
        }
        assert!(!accepts(&HeaderMap::new()));
    }

    /// R6: what comes out unpacks to what went in, piece by piece.
    #[tokio::test]
    async fn a_streamed_answer_unpacks_to_itself() {
        let pieces: Vec<String> = (0..5_000)
            .map(|number| format!("{{\"id\":{number}}},"))
            .collect();
        let whole = pieces.concat();
        let stream = futures_util::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
        let packed = Gzip::new(Body::from_stream(stream));
        let packed = packed.collect().await.unwrap().to_bytes();
        assert!(packed.len() < whole.len() / 2);
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, whole);
    }
}
