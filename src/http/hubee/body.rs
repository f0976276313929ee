//! A JSON body behind the head of [`super::caller`]: read only for a caller who may make the call, and judged with the head's
//! own faults, so that all of a request are told at once (R7).

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeSeed;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Hub,
    caller::{Head, exactly},
    query::{FromQuery, Params},
};
use crate::{
    domain::hubee::{Caller, Document, Refusal},
    http::body::read_whole,
    kernel::{fault::Code, json::Level},
};

/// The most bytes of a body. The largest that is in use marks tens of thousands of purged files.
pub const LARGEST: usize = 4 * 1024 * 1024;
/// The most values of a body: each object takes hundreds of bytes of memory, however few it is written with. The largest body of
/// purged files has three for each, some 110,000.
const VALUES: usize = 150_000;

/// A caller of one of the scopes `RIGHTS`, with the `N` ids of the path and a JSON body; the query's parameters `Q` are judged and
/// say nothing.
pub struct JsonCall<const RIGHTS: u8, const N: usize = 0, Q = ()> {
    /// Who calls.
    pub caller: Caller,
    /// The ids of the path, in its order.
    pub ids: [Uuid; N],
    /// The body, with the faults of the head.
    pub document: Document,
    /// The request's headers.
    pub headers: HeaderMap,
    query: PhantomData<Q>,
}

impl<const RIGHTS: u8, const N: usize, Q> Deref for JsonCall<RIGHTS, N, Q> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<const RIGHTS: u8, const N: usize, Q: FromQuery> FromRequest<Arc<Hub>>
    for JsonCall<RIGHTS, N, Q>
{
    type Rejection = Response;

    async fn from_request(request: Request, hub: &Arc<Hub>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Head {
            client,
            ids,
            partner,
            mut faults,
        } = Head::read::<RIGHTS>(&mut parts, hub).await?;
        let mut params = Params::new(parts.uri.query());
        Q::read(&mut params);
        faults.extend(params.faults());
        let ids = exactly(ids).map_err(Refusal::into_response)?;
        let document = read(body, faults).await.map_err(Refusal::into_response)?;
        Ok(Self {
            caller: Caller { client, partner },
            ids,
            document,
            headers: parts.headers,
            query: PhantomData,
        })
    }
}

/// Reads a body; one that is no JSON is a fault beside the others.
async fn read(body: Body, mut faults: Vec<String>) -> Result<Document, Refusal> {
    let bytes = match read_whole(body, LARGEST).await {
        Ok(bytes) => bytes,
        Err(fault) if fault.code() == Code::TooLarge => {
            faults.push(format!("@body: larger than {LARGEST} bytes"));
            return Err(Refusal::Bad(faults));
        }
        Err(fault) => return Err(fault.into()),
    };
    if values(&bytes) > VALUES {
        faults.push(format!("@body: more than {VALUES} values"));
        return Err(Refusal::Bad(faults));
    }
    match parsed(&bytes) {
        Ok(value) => Ok(Document::new(value, faults)),
        Err(place) => {
            faults.push(format!("@body: not a JSON document ({place})"));
            Err(Refusal::Bad(faults))
        }
    }
}

/// How many objects, arrays and further items a JSON text has, counted by what they begin with outside of its strings.
fn values(text: &[u8]) -> usize {
    let (mut count, mut in_string, mut is_escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' | b',' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// The value, read as strictly as the house reads JSON ([`crate::kernel::json`]); else where it ceases to be one. The
/// parser's own words may quote the input, and are not shown.
fn parsed(bytes: &Bytes) -> Result<Value, String> {
    let place =
        |error: serde_json::Error| format!("line {}, column {}", error.line(), error.column());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Level(0).deserialize(&mut reader).map_err(place)?;
    reader.end().map_err(place)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        for (text, count) in [
            (r#"{"a":1}"#, 1),
            (r#"[{},{},[]]"#, 6),
            (r#"{"a":"{,[\"{,[","b":"\\"}"#, 2),
            ("", 0),
        ] {
            assert_eq!(values(text.as_bytes()), count, "{text}");
        }
    }
}
