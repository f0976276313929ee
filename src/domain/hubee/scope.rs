//! The scopes of the hub (R2): one client has one of them, and an operation names those that may call it.

use std::{fmt, str::FromStr};

/// What a client is to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// An online service that deposits folders.
    Osl,
    /// An information system that takes them.
    Si,
    /// The hub's own administration.
    Admin,
    /// The service that makes subscriptions; `SUBCRT` is another name of it.
    Datapass,
}

/// A word that is no scope of the hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}: expected OSL, SI, ADMIN or DATAPASS")]
pub struct UnknownScope(pub String);

impl Scope {
    /// Every scope there is.
    pub const ALL: &[Scope] = &[Self::Osl, Self::Si, Self::Admin, Self::Datapass];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Osl => "OSL",
            Self::Si => "SI",
            Self::Admin => "ADMIN",
            Self::Datapass => "DATAPASS",
        }
    }

    /// Its bit in a set of [`rights`].
    pub const fn bit(self) -> u8 {
        match self {
            Self::Osl => rights::OSL,
            Self::Si => rights::SI,
            Self::Admin => rights::ADMIN,
            Self::Datapass => rights::DATAPASS,
        }
    }
}

/// Sets of scopes, as they stand in a handler's signature: `HubCaller<{ OSL | ADMIN }>`.
pub mod rights {
    /// [`Scope::Osl`](super::Scope::Osl).
    pub const OSL: u8 = 1;
    /// [`Scope::Si`](super::Scope::Si).
    pub const SI: u8 = 2;
    /// [`Scope::Admin`](super::Scope::Admin).
    pub const ADMIN: u8 = 4;
    /// [`Scope::Datapass`](super::Scope::Datapass).
    pub const DATAPASS: u8 = 8;
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        match text {
            "SUBCRT" => Ok(Self::Datapass),
            _ => Self::ALL
                .iter()
                .find(|scope| scope.as_str() == text)
                .copied()
                .ok_or_else(|| UnknownScope(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R2: SUBCRT has the rights of DATAPASS.
    #[test]
    fn a_scope_reads_back_and_subcrt_is_datapass() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(*scope));
        }
        assert_eq!("SUBCRT".parse(), Ok(Scope::Datapass));
        assert!("osl".parse::<Scope>().is_err());
    }

    #[test]
    fn no_two_scopes_share_a_right() {
        let all = Scope::ALL.iter().fold(0, |set, scope| {
            assert_eq!(set & scope.bit(), 0);
            set | scope.bit()
        });
        assert_eq!(all, 15);
    }
}
