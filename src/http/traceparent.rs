//! W3C Trace Context: a caller's trace goes on through us to the callback, or begins here.

use std::fmt;

use http::HeaderMap;

use crate::kernel::{
    digest::{from_hex, hex},
    entropy::Entropy,
};

/// The header's name, in requests, in answers and in callbacks.
pub const TRACEPARENT: &str = "traceparent";

/// A trace and our place in it; an extension of each request. Its text is the header's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

impl TraceContext {
    /// Goes on with the caller's trace under a span of our own; begins a sampled one where there is none that can be read.
    pub fn of(headers: &HeaderMap, entropy: &Entropy) -> Self {
        let header = headers.get(TRACEPARENT).and_then(|v| v.to_str().ok());
        let caller = header.and_then(Self::parse);
        caller.map_or_else(|| Self::begin(entropy), |caller| caller.child(entropy))
    }

    /// A new, sampled trace.
    pub fn begin(entropy: &Entropy) -> Self {
        Self {
            trace: entropy.bytes().unwrap_or([1; 16]),
            span: entropy.bytes().unwrap_or([1; 8]),
            flags: 1,
        }
    }

    /// The same trace under a new span.
    pub fn child(self, entropy: &Entropy) -> Self {
        Self {
            span: entropy.bytes().unwrap_or([1; 8]),
            ..self
        }
    }

    /// Reads a header's value. Versions to come are read as far as this one goes; all-zero ids are none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let version = fixed::<1>(fields.next()?)?;
        let trace = fixed::<16>(fields.next()?)?;
        let span = fixed::<8>(fields.next()?)?;
        let [flags] = fixed::<1>(fields.next()?)?;
        let is_longer = fields.next().is_some();
        let is_valid = version != [0xff]
            && !(version == [0] && is_longer)
            && trace != [0; 16]
            && span != [0; 8];
        is_valid.then_some(Self { trace, span, flags })
    }

    /// The trace's id, in hexadecimal.
    pub fn trace_id(&self) -> String {
        hex(&self.trace)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (hex(&self.trace), hex(&self.span));
        write!(f, "00-{trace}-{span}-{:02x}", self.flags & 1)
    }
}

/// Exactly `N` bytes of lower-case hexadecimal, as the recommendation demands.
fn fixed<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    from_hex(text).filter(|_| is_lower)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_callers_trace_goes_on_under_a_span_of_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, GOOD.parse().unwrap());
        let ours = TraceContext::of(&headers, &Entropy::system());
        assert_eq!(ours.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(ours.to_string(), GOOD);
        assert_eq!(TraceContext::parse(&ours.to_string()), Some(ours));
    }

    #[test]
    fn a_header_that_cannot_be_read_is_as_if_there_were_none() {
        let bad = [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6-00f067aa0ba902b7-01",
        ];
        for text in bad {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
        assert!(TraceContext::parse(&GOOD.replacen("00", "01", 1)).is_some());
    }
}
