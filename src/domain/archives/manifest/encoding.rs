//! XML in other encodings than UTF-8, read as UTF-8.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

use super::metered::Unfit;

/// How far a declaration is looked for.
const DECLARATION: usize = 256;

/// A text of any encoding of the web's, as UTF-8. Bytes that are none of it are [`Unfit`].
pub(super) struct Utf8<R> {
    inner: R,
    decoder: Decoder,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: BufRead> Utf8<R> {
    /// Goes by the byte order mark, then by what the declaration says; UTF-8 where neither does.
    pub fn new(mut inner: R) -> io::Result<Self> {
        let start = inner.fill_buf()?;
        let marked = Encoding::for_bom(start).map(|(encoding, _)| encoding);
        let encoding = marked.or_else(|| declared(start)).unwrap_or(UTF_8);
        Ok(Self {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            text: Vec::new(),
            given: 0,
            ended: false,
        })
    }

    fn refill(&mut self) -> io::Result<()> {
        let bytes = self.inner.fill_buf()?;
        let last = bytes.is_empty();
        self.text.resize(bytes.len().saturating_mul(3) + 16, 0);
        let (result, read, made) =
            self.decoder
                .decode_to_utf8_without_replacement(bytes, &mut self.text, last);
        self.inner.consume(read);
        self.text.truncate(made);
        self.given = 0;
        self.ended = last;
        match result {
            DecoderResult::Malformed(..) => {
                Err(Unfit::error("Le texte n'est pas dans l'encodage annoncé."))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Utf8<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.refill()?;
        }
        let rest = &self.text[self.given..];
        let bytes = rest.len().min(into.len());
        into[..bytes].copy_from_slice(&rest[..bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}

/// The encoding that the declaration names.
fn declared(start: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(&start[..start.len().min(DECLARATION)]);
    let declaration = start.strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration
        .split("encoding")
        .nth(1)?
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(value[1..].split(quote).next()?.as_bytes())
}
