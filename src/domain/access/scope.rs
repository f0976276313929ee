//! Scopes: what a token allows. The operation's handler names the one it needs.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::kernel::fault::{Code, Fault, Result};

/// One permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send pieces.
    PiecesWrite,
    /// Read pieces, receipts, returns and events.
    PiecesRead,
    /// Run the gateway.
    Admin,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: &[Scope] = &[Self::PiecesWrite, Self::PiecesRead, Self::Admin];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PiecesWrite => "pieces:write",
            Self::PiecesRead => "pieces:read",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let known = Self::ALL.iter().find(|scope| scope.as_str() == text);
        known.copied().ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A set of scopes, written as in OAuth: names separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether the set holds `scope`.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether every scope of this set is in `other` too.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails with code `scope-insufficient` without `scope`.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.contains(scope) {
            return Ok(());
        }
        let detail = format!("Cette opération demande la portée « {scope} ».");
        Err(Fault::new(Code::ScopeInsufficient, detail))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_as_it_is_written_and_refuses_unknown_words() {
        let scopes: Scopes = "pieces:read  pieces:write".parse().unwrap();
        assert_eq!(scopes.to_string(), "pieces:write pieces:read");
        assert_eq!(scopes.to_string().parse(), Ok(scopes));
        let unknown = "pieces:read root".parse::<Scopes>();
        assert_eq!(unknown, Err(UnknownScope("root".into())));
    }

    #[test]
    fn a_missing_scope_is_named_in_the_refusal() {
        let fault = Scopes::from_iter([Scope::PiecesRead])
            .require(Scope::Admin)
            .unwrap_err();
        assert_eq!(fault.code(), Code::ScopeInsufficient);
        assert!(fault.detail().contains("« admin »"));
    }
}
