//! Who runs a command and why, for the journal.

use std::{env, str::FromStr};

use crate::{
    app,
    config::Gateway,
    domain::Operator,
    kernel::{clock::Clock, entropy::Entropy, fault::Result},
    storage::{Access, migrate},
};

/// Whoever runs this command, with the database of these settings. Fails where that cannot be opened, or is not of this release.
pub(crate) async fn acting(gateway: &Gateway, reason: Reason) -> Result<Operator> {
    let store = app::open_store(gateway, Access::Full)?;
    migrate::check_current(&store).await?;
    Ok(Operator {
        store,
        clock: Clock::system(),
        entropy: Entropy::system(),
        name: name(),
        reason: Some(reason.into()),
    })
}

/// The account's name as the system knows it; where it is root by `sudo`, both names.
pub(crate) fn name() -> String {
    let user = rustix::process::getuid();
    let own = account(user.as_raw()).unwrap_or_else(|| format!("uid {}", user.as_raw()));
    match env::var("SUDO_USER") {
        Ok(person) if user.is_root() && !person.is_empty() => format!("{person} ({own})"),
        _ => own,
    }
}

/// The name of an account of this machine; `None` where a directory service knows it and this file does not.
fn account(user: u32) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    })
}

/// Why a command is run, for the journal: 1 to 200 characters without control characters; nothing personal.
#[derive(Clone, Debug)]
pub(crate) struct Reason(String);

impl FromStr for Reason {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let fits = (1..=200).contains(&text.chars().count());
        match fits && !text.chars().any(char::is_control) {
            true => Ok(Self(text.to_owned())),
            false => Err("1 to 200 characters, without control characters"),
        }
    }
}

impl Reason {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}
