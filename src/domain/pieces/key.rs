//! The key of a sending as its sender writes it (draft-ietf-httpapi-idempotency-key-header).

/// The most characters of a key.
const LONGEST: usize = 255;

/// A key as the sender wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Reads a key: a string between quotes (RFC 8941), or bare; 1 to 255 visible ASCII characters, spaces between quotes.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t']);
        let key = match text.strip_prefix('"') {
            Some(quoted) => unquoted(quoted.strip_suffix('"')?)?,
            None => bare(text)?,
        };
        (1..=LONGEST).contains(&key.len()).then_some(Self(key))
    }

    /// The key without its quotes.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

fn bare(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_graphic() && !"\"\\,;".contains(c);
    text.chars().all(allowed).then(|| text.to_owned())
}

fn unquoted(text: &str) -> Option<String> {
    let (mut key, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        key.push(match c {
            '\\' => chars.next().filter(|c| "\"\\".contains(*c))?,
            '"' => return None,
            ' '..='~' => c,
            _ => return None,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<String> {
        Key::parse(text).map(|key| key.0)
    }

    #[test]
    fn a_key_is_the_same_between_quotes_and_bare() {
        let uuid = "8e03978e-40d5-43e8-bc93-6894a57f9324";
        assert_eq!(key(uuid).as_deref(), Some(uuid));
        assert_eq!(key(&format!(" \"{uuid}\"\t")).as_deref(), Some(uuid));
        assert_eq!(key(r#""a \"b\\ c""#).as_deref(), Some(r#"a "b\ c"#));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "x".repeat(256);
        for text in [
            "", "\"\"", "a b", "\"a", "a\"", "a,b", "a;b=1", "\"a\\b\"", "é", "\"é\"", "\"a\tb\"",
            &long,
        ] {
            assert_eq!(key(text), None, "{text}");
        }
        assert!(key(&long[1..]).is_some());
    }
}
