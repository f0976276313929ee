//! What stands before a tar's header and speaks of the entry that comes: pax records, GNU's long names.

use super::super::{
    finding::{Finding, FindingCode},
    limits::Limits,
};

/// The most bytes of a pax header: attributes beside the name, which are left aside.
const PAX_MOST: u64 = 1 << 20;

/// What was said of the next entry.
#[derive(Default)]
pub(super) struct Extension {
    /// Its name.
    pub name: Option<Vec<u8>>,
    /// Whether the name is UTF-8 for certain.
    pub utf8: bool,
    pub size: Option<u64>,
    /// It has holes.
    pub sparse: bool,
    /// It leads elsewhere.
    pub links: bool,
    /// The kinds of what was read, so that none comes twice.
    seen: Vec<u8>,
}

/// Whether that kind of header speaks of another one.
pub(super) fn is_one(kind: u8) -> bool {
    matches!(kind, b'x' | b'g' | b'L' | b'K')
}

/// Whether so many bytes are fair for that kind, before any of them is read.
pub(super) fn fits(kind: u8, size: u64, limits: &Limits) -> Result<(), Finding> {
    match kind {
        b'L' | b'K' if size > limits.name as u64 + 1 => {
            let detail = format!("Un nom de {size} octets ; {} au plus.", limits.name);
            Err(Finding::new(FindingCode::NameTooLong, detail))
        }
        b'x' | b'g' if size > PAX_MOST => {
            let detail = format!("Un en-tête de {size} octets ; {PAX_MOST} au plus.");
            Err(Finding::new(FindingCode::Malformed, detail))
        }
        _ => Ok(()),
    }
}

impl Extension {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Adds what a header of `kind` holds. Fails where two of them could be read two ways.
    pub fn add(&mut self, kind: u8, text: Vec<u8>) -> Result<(), Finding> {
        if kind == b'g' {
            return global(&text);
        }
        let named = matches!(kind, b'x' | b'L') && self.name.is_some();
        if self.seen.contains(&kind) || named {
            return Err(twice());
        }
        self.seen.push(kind);
        match kind {
            b'x' => self.records(&text),
            b'L' => {
                self.name = Some(terminated(text)?);
                Ok(())
            }
            _ => {
                self.links = true;
                Ok(())
            }
        }
    }

    fn records(&mut self, text: &[u8]) -> Result<(), Finding> {
        let mut binary = false;
        for record in records(text)? {
            let (key, value) = record;
            match key {
                b"path" if self.name.is_some() => return Err(twice()),
                b"path" => self.name = Some(named(value)?),
                b"size" if self.size.is_some() => return Err(twice()),
                b"size" => self.size = Some(decimal(value).ok_or_else(unreadable)?),
                b"hdrcharset" => binary = value == b"BINARY",
                b"linkpath" => self.links = true,
                sparse if sparse.starts_with(b"GNU.sparse.") || sparse == b"SCHILY.realsize" => {
                    self.sparse = true
                }
                _ => {}
            }
        }
        self.utf8 = self.name.is_some() && !binary;
        Ok(())
    }
}

/// A header for all that follow says nothing that we would have to remember: comments only.
fn global(text: &[u8]) -> Result<(), Finding> {
    let counts = |key: &[u8]| {
        matches!(key, b"path" | b"size" | b"linkpath" | b"hdrcharset") || key.starts_with(b"GNU.")
    };
    match records(text)?.iter().any(|(key, _)| counts(key)) {
        true => Err(Finding::new(
            FindingCode::Malformed,
            "Un en-tête global change le nom ou la taille de toutes les entrées.",
        )),
        false => Ok(()),
    }
}

/// The records `LENGTH KEY=VALUE\n` of a pax header, which must fill it.
fn records(mut text: &[u8]) -> Result<Vec<Record<'_>>, Finding> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let (record, rest) = record(text).ok_or_else(unreadable)?;
        found.push(record);
        text = rest;
    }
    Ok(found)
}

/// A key with its value.
type Record<'t> = (&'t [u8], &'t [u8]);

fn record(text: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let digits = text.iter().take(8).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&text[..digits])?).ok()?;
    let record = text.get(digits + 1..length)?.strip_suffix(b"\n")?;
    let sign = record.iter().position(|byte| *byte == b'=')?;
    Some(((&record[..sign], &record[sign + 1..]), &text[length..]))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| str::from_utf8(digits).ok()?.parse().ok())?
}

/// A name of GNU ends with a zero, and has none before.
fn terminated(mut text: Vec<u8>) -> Result<Vec<u8>, Finding> {
    if text.last() == Some(&0) {
        text.pop();
    }
    named(&text)
}

fn named(name: &[u8]) -> Result<Vec<u8>, Finding> {
    match name.is_empty() || name.contains(&0) {
        true => Err(Finding::at(
            FindingCode::UnsafePath,
            &String::from_utf8_lossy(name),
            "Un nom vide, ou qui contient un octet nul.",
        )),
        false => Ok(name.to_vec()),
    }
}

fn twice() -> Finding {
    Finding::new(
        FindingCode::Malformed,
        "Deux en-têtes nomment ou mesurent la même entrée.",
    )
}

fn unreadable() -> Finding {
    Finding::new(
        FindingCode::Malformed,
        "Un en-tête étendu (pax) est illisible.",
    )
}
