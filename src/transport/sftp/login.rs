//! Who we are, told once the server is known.

use std::{fs, path::Path};

use ssh2::{ErrorCode, KeyboardInteractivePrompt, Prompt};

use super::{Asked, faults::Tried, wire::Wire};
use crate::{
    config::depots::{self, SftpLogin},
    kernel::{
        fault::{Code, Fault, Result},
        secret::Secret,
    },
};

/// The most keys of an agent that are tried: servers hang up after a few.
const MOST_TRIED: usize = 5;

/// `LIBSSH2_ERROR_FILE`: the key is not readable, or the passphrase is not its.
const KEY_FILE: i32 = -16;

/// Logs in. Fails with `depot-login-refused`, or `configuration` where a file of the settings is not what it should be.
pub fn log_in(wire: &Wire, settings: &depots::Sftp) -> Result<()> {
    let user = settings.user.as_str();
    let tried = match &settings.login {
        SftpLogin::Password(file) => {
            let password = read(file)?;
            by_password(wire, user, &password)
        }
        SftpLogin::Key { key, passphrase } => {
            let passphrase = passphrase.as_deref().map(read).transpose()?;
            let passphrase = passphrase.as_ref().map(Secret::expose);
            wire.run(|session| session.userauth_pubkey_file(user, None, key, passphrase))
        }
        SftpLogin::Agent => by_agent(wire, user),
    };
    tried.map_err(refused)?;
    match wire.session().authenticated() {
        true => Ok(()),
        false => Err(denied("the server wants more than one proof")),
    }
}

/// Servers that take no password may ask for it by a prompt (`keyboard-interactive`, the way of PAM).
fn by_password(wire: &Wire, user: &str, password: &Secret) -> Asked<()> {
    let ways = wire.run(|session| session.auth_methods(user).map(str::to_owned))?;
    let offers = |way: &str| ways.split(',').any(|offered| offered == way);
    match !offers("password") && offers("keyboard-interactive") {
        true => wire
            .run(|session| session.userauth_keyboard_interactive(user, &mut Answers { password })),
        false => wire.run(|session| session.userauth_password(user, password.expose())),
    }
}

/// What we say where a server asks.
struct Answers<'p> {
    password: &'p Secret,
}

impl KeyboardInteractivePrompt for Answers<'_> {
    /// What may be seen while it is typed is no password, and we know nothing else.
    fn prompt(&mut self, _: &str, _: &str, prompts: &[Prompt<'_>]) -> Vec<String> {
        let answer = |prompt: &Prompt<'_>| match prompt.echo {
            true => String::new(),
            false => self.password.expose().to_owned(),
        };
        prompts.iter().map(answer).collect()
    }
}

fn by_agent(wire: &Wire, user: &str) -> Asked<()> {
    let mut agent = wire.run(|session| session.agent())?;
    wire.run(|_| agent.connect())?;
    wire.run(|_| agent.list_identities())?;
    let identities = agent.identities().map_err(Tried::Refused)?;
    let mut last = Err(Tried::Refused(ssh2::Error::new(
        ErrorCode::Session(KEY_FILE),
        "the agent holds no key",
    )));
    for identity in identities.iter().take(MOST_TRIED) {
        last = wire.run(|_| agent.userauth(user, identity));
        if !matches!(&last, Err(tried) if !tried.is_cut()) {
            break;
        }
    }
    last
}

/// A secret of a file of its own; the line break at its end is none of it.
fn read(file: &Path) -> Result<Secret> {
    let text = fs::read_to_string(file).map_err(|error| {
        let detail = format!("{}: {error}", file.display());
        Fault::new(Code::Configuration, detail)
    })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn refused(tried: Tried) -> Fault {
    let cause = tried.cause("login");
    match &tried {
        Tried::Refused(error) if error.code() == ErrorCode::Session(KEY_FILE) => {
            let detail =
                "La clé d'accès au dépôt est illisible, ou sa phrase secrète n'est pas la bonne.";
            Fault::new(Code::DepotLoginRefused, detail).because(cause)
        }
        // A server that has had enough of tries hangs up instead of an answer.
        _ if tried.is_cut() => tried.fault("login"),
        _ => denied(cause),
    }
}

fn denied(cause: impl std::fmt::Display) -> Fault {
    let detail = "Le dépôt refuse notre identification.";
    Fault::new(Code::DepotLoginRefused, detail).because(cause)
}
