//! What the kit asks of the binary's commands: the one place that knows their form.

use serde_json::Value;

use super::Gateway;
use crate::kit::process;

/// Seconds for reading every byte of a large store on a busy machine.
const INSPECTION: u32 = 300;

/// How an application shows itself at the token endpoint.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client's id.
    pub id: String,
    /// Its secret, shown once.
    pub secret: String,
}

/// The source application that every registered client is tied to.
pub const APPLICATION: &str = "asp-instruction";

impl Gateway {
    /// Registers a client for the kit's projects and [`APPLICATION`].
    pub fn register(&self, name: &str, scopes: &[&str]) -> Credentials {
        let projects = self.kit.project_names().join(",");
        self.register_within(name, scopes, &projects, APPLICATION, &[])
    }

    /// Registers a client within other bounds (names separated by commas), with more options of the command.
    pub fn register_within(
        &self,
        name: &str,
        scopes: &[&str],
        projects: &str,
        applications: &str,
        more: &[&str],
    ) -> Credentials {
        let scopes = scopes.join(",");
        let arguments = ["client", "add", name, "--scopes", &scopes];
        let bounds = ["--projects", projects, "--applications", applications];
        let arguments = [&arguments[..], &bounds, more].concat();
        self.credentials(&arguments)
    }

    /// Gives a client another secret.
    pub fn rotate(&self, id: &str) -> Credentials {
        self.credentials(&["client", "rotate", id])
    }

    /// Revokes a client; it is done when this comes back.
    pub fn revoke(&self, id: &str) {
        self.run(&["client", "revoke", id]).succeeded();
    }

    fn credentials(&self, arguments: &[&str]) -> Credentials {
        let said = self.run(&[arguments, &["--json"]].concat()).succeeded();
        let said: Value = serde_json::from_str(&said).expect("it was asked for JSON");
        let text = |name: &str| said[name].as_str().expect("a text").to_owned();
        Credentials {
            id: text("clientId"),
            secret: text("clientSecret"),
        }
    }

    /// Fails unless store, database and journal agree; gives the report of what was looked at.
    #[track_caller]
    pub fn doctor(&self) -> Value {
        let command = self.command(&["doctor", "--json"]);
        let report = process::run(&command, INSPECTION).succeeded();
        serde_json::from_str(&report).expect("it was asked for JSON")
    }
}
