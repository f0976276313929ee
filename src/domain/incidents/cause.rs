//! What makes two anomalies the same.

use uuid::{Builder, Uuid};

use super::Code;
use crate::{
    domain::Context,
    kernel::digest::Hasher,
    storage::exchanges::{ExchangeRow, Owner},
};

/// The cause of an anomaly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What failed.
    pub code: Code,
    /// In which project, where in one.
    pub project: Option<String>,
    /// Partner and environment.
    pub owner: Owner,
    /// For which exchange, where for one: it is kept from the purge until the incident is resolved, or another exchange is what it
    /// is about.
    pub exchange_id: Option<Uuid>,
    /// What makes two occurrences the same: an exchange's id, a project's name, an address. It is kept as a digest only.
    pub subject: String,
}

/// The partner of what concerns the gateway itself.
const HOUSE: &str = "navette";

impl Cause {
    /// An anomaly of one exchange.
    pub fn of_exchange(code: Code, exchange: &ExchangeRow) -> Self {
        Self {
            code,
            project: Some(exchange.project.clone()),
            owner: exchange.owner.clone(),
            exchange_id: Some(exchange.id),
            subject: exchange.id.to_string(),
        }
    }

    /// An anomaly of a project as a whole, such as a partner that does not answer.
    pub fn of_project(ctx: &Context, code: Code, project: &str) -> Self {
        Self {
            code,
            project: Some(project.to_owned()),
            owner: ctx.owner(HOUSE),
            exchange_id: None,
            subject: project.to_owned(),
        }
    }

    /// An anomaly of the gateway itself; `subject` tells two of the same code apart.
    pub fn of_house(ctx: &Context, code: Code, subject: &str) -> Self {
        Self {
            code,
            project: None,
            owner: ctx.owner(HOUSE),
            exchange_id: None,
            subject: subject.to_owned(),
        }
    }

    /// The incident's id: the first half of the SHA-256 over code, project, environment and subject, as a UUID of version 8.
    pub fn id(&self) -> Uuid {
        let mut hasher = Hasher::new(false);
        for field in [
            self.code.as_str(),
            self.project.as_deref().unwrap_or_default(),
            &self.owner.environment,
            &self.subject,
        ] {
            hasher.update(&(field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        let digest = hasher.finish().sha256;
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Builder::from_custom_bytes(half).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(code: Code, project: &str, subject: &str) -> Cause {
        Cause {
            code,
            project: Some(project.to_owned()),
            owner: Owner {
                partner: "asp".to_owned(),
                environment: "test".to_owned(),
            },
            exchange_id: None,
            subject: subject.to_owned(),
        }
    }

    #[test]
    fn a_cause_gives_the_same_id_each_time_and_another_cause_another_id() {
        let id = cause(Code::Undelivered, "a", "bc").id();
        assert_eq!(id, cause(Code::Undelivered, "a", "bc").id());
        assert_eq!(id.get_version_num(), 8);
        assert_ne!(id, cause(Code::Undelivered, "ab", "c").id());
        assert_ne!(id, cause(Code::Infected, "a", "bc").id());
    }
}
