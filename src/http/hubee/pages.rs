//! A JSON array that is written as it is read, page after page: a client that asks for 100,000 notifications costs no more
//! memory than one that asks for 25 (R40).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;

use crate::kernel::fault::{Fault, Result};

/// What an array is made of.
pub trait Pages: Send + 'static {
    /// Its next items; none once there are no more.
    fn next(&mut self) -> impl Future<Output = Result<Vec<Value>>> + Send;
}

/// The answer. Its first page is read before it begins, so that a house that is away is told with its status; further on, all
/// that can be done is to break off.
pub async fn array(mut pages: impl Pages) -> Result<Response> {
    let first = pages.next().await?;
    let body = match first.is_empty() {
        true => Body::from("[]"),
        false => Body::from_stream(stream::try_unfold(
            (pages, State::First(first)),
            |(pages, state)| piece(pages, state),
        )),
    };
    let kind = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, kind)], body).into_response())
}

enum State {
    /// Nothing is written yet.
    First(Vec<Value>),
    Further,
    Over,
}

type Piece<P> = Option<(Bytes, (P, State))>;

async fn piece<P: Pages>(mut pages: P, state: State) -> Result<Piece<P>> {
    let (opening, items) = match state {
        State::First(items) => (b'[', items),
        State::Further => (b',', pages.next().await?),
        State::Over => return Ok(None),
    };
    if items.is_empty() {
        return Ok(Some((Bytes::from_static(b"]"), (pages, State::Over))));
    }
    let mut text = serde_json::to_vec(&items).map_err(Fault::internal)?;
    // Its own brackets: the first becomes what joins it to what is written, the last waits for the end.
    text[0] = opening;
    text.pop();
    Ok(Some((text.into(), (pages, State::Further))))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    struct Few(Vec<Vec<Value>>);

    impl Pages for Few {
        async fn next(&mut self) -> Result<Vec<Value>> {
            Ok(self.0.pop().unwrap_or_default())
        }
    }

    async fn written(pages: &[Vec<Value>]) -> Value {
        let pages = pages.iter().rev().cloned().collect();
        let body = array(Few(pages)).await.unwrap().into_body();
        let bytes = body.collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// R40: pages make one array, whatever their number.
    #[tokio::test]
    async fn pages_make_one_array() {
        assert_eq!(written(&[]).await, json!([]));
        assert_eq!(written(&[vec![json!(1)]]).await, json!([1]));
        let three = [
            vec![json!(1), json!({"a": [2]})],
            vec![json!("x")],
            vec![json!(null)],
        ];
        assert_eq!(written(&three).await, json!([1, {"a": [2]}, "x", null]));
    }
}
