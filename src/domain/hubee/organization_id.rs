//! The name of an organisation: its type, its SIRET and its branch (R50), written `SI-22770001000019-77372`.

use std::{fmt, str::FromStr};

use serde_json::{Value, json};

/// The most characters of a type.
pub const TYPE_MOST: usize = 20;
/// The digits of a SIRET, no more and no less.
pub const REGISTER: usize = 14;
/// The most characters of a branch code.
pub const BRANCH_MOST: usize = 10;

/// Who an organisation is. Two of them are one organisation only where all three parts are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationId {
    kind: String,
    register: String,
    branch: String,
}

/// A text that names no organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected TYPE-SIRET-BRANCH: a type of 1 to 20 letters, 14 digits, a branch code of 1 to 10 letters, digits, '-' or '_'"
)]
pub struct NoOrganization;

impl OrganizationId {
    /// Puts the three parts together, where each is one.
    pub fn new(kind: &str, register: &str, branch: &str) -> Result<Self, NoOrganization> {
        match is_type(kind) && is_register(register) && is_branch(branch) {
            true => Ok(Self {
                kind: kind.to_owned(),
                register: register.to_owned(),
                branch: branch.to_owned(),
            }),
            false => Err(NoOrganization),
        }
    }

    /// Its type, such as `SI` or `OSL`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its SIRET, 14 digits.
    pub fn register(&self) -> &str {
        &self.register
    }

    /// Its branch code.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// As the contracts write it: `type`, `companyRegister`, `branchCode`.
    pub fn to_json(&self) -> Value {
        json!({ "type": self.kind, "companyRegister": self.register, "branchCode": self.branch })
    }
}

/// Whether a text is a type of organisations.
pub fn is_type(text: &str) -> bool {
    (1..=TYPE_MOST).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Whether a text is a SIRET by its form: 14 digits. Its check digit is not looked at: some administrations have none that
/// is right.
pub fn is_register(text: &str) -> bool {
    text.len() == REGISTER && text.bytes().all(|c| c.is_ascii_digit())
}

/// Whether a text is a branch code. It may hold hyphens (R50).
pub fn is_branch(text: &str) -> bool {
    (1..=BRANCH_MOST).contains(&text.len())
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.kind, self.register, self.branch)
    }
}

impl FromStr for OrganizationId {
    type Err = NoOrganization;

    fn from_str(text: &str) -> Result<Self, NoOrganization> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().ok_or(NoOrganization);
        let (kind, register, branch) = (next()?, next()?, next()?);
        Self::new(kind, register, branch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R50: a branch code may hold hyphens, and the id reads back all the same.
    #[test]
    fn an_id_reads_back_also_where_its_branch_holds_hyphens() {
        for text in [
            "SI-22770001000019-77372",
            "OSL-13002526500013-A-1_b-2",
            "Admin-13002526500013-0",
        ] {
            let id: OrganizationId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
        }
        let id: OrganizationId = "SI-22770001000019-77-2".parse().unwrap();
        assert_eq!(
            (id.kind(), id.register(), id.branch()),
            ("SI", "22770001000019", "77-2")
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "SI",
            "SI-22770001000019",
            "SI-2277000100001-77372",
            "SI-227700010000190-7",
            "-22770001000019-7",
            "SI-2277000100001a-7",
            "SI-22770001000019-",
            "SI-22770001000019-12345678901",
            "S I-22770001000019-7",
            "SI-22770001000019-7 7",
            "SI-22770001000019-é",
        ] {
            assert!(text.parse::<OrganizationId>().is_err(), "{text}");
        }
    }
}
