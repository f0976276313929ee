//! A part of an exchange that goes on: most are whole, an archive of very many files goes on as several folders.

use data_encoding::BASE32_NOPAD;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::storage::hubee::forwards::Progress;

/// One of the parts of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its number, from 1.
    pub(super) number: u32,
    /// How many there are.
    pub(super) of: u32,
}

impl Part {
    /// The external id of the folder that this part goes on as, always the same: 26 characters, and the number of all but the
    /// first behind them.
    pub(super) fn external_id(self, exchange: Uuid) -> String {
        let id = BASE32_NOPAD.encode(exchange.as_bytes());
        match self.number {
            1 => id,
            number => format!("{id}-{number:03}"),
        }
    }

    /// What the recipient's system is told of it.
    pub(super) fn attributes(self, exchange: Uuid) -> String {
        match self.of {
            1 => format!("reconciliationId={exchange}"),
            of => format!("reconciliationId={exchange};part={}/{of}", self.number),
        }
    }

    /// The detail of an entry about it, with its number where it is not the only one.
    pub(super) fn told(self, mut detail: Json) -> Json {
        if self.of > 1 {
            detail["part"] = json!(self.number);
            detail["parts"] = json!(self.of);
        }
        detail
    }

    /// How far the exchange has gone on with it.
    pub(super) fn progress(self) -> Progress {
        Progress {
            parts: self.number,
            whole: self.number == self.of,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hub takes thirty characters of a folder's external id.
    #[test]
    fn each_part_has_an_external_id_of_its_own_that_the_hub_takes() {
        let id = |number| Part { number, of: 999 }.external_id(Uuid::max());
        assert_eq!(id(1).len(), 26);
        assert_eq!(id(999).len(), 30);
        assert_eq!(id(2), format!("{}-002", id(1)));
    }

    #[test]
    fn the_only_part_is_not_numbered() {
        let only = Part { number: 1, of: 1 };
        assert_eq!(
            only.attributes(Uuid::nil()),
            format!("reconciliationId={}", Uuid::nil())
        );
        assert_eq!(only.told(json!({})), json!({}));
        let second = Part { number: 2, of: 3 };
        assert!(second.attributes(Uuid::nil()).ends_with(";part=2/3"));
        assert_eq!(second.told(json!({})), json!({ "part": 2, "parts": 3 }));
    }
}
