//! What the kit asks of the binary's commands: the one place that knows their form.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
};

use serde_json::Value;

use super::{COMMAND, Gateway};
use crate::kit::{
    pki::pki,
    process::{self, Fate, Finished},
};

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

/// Why the kit changes what an auditor asks about.
pub const REASON: &str = "essai";

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
        let arguments = [
            "client", "add", name, "--scopes", &scopes, "--reason", REASON,
        ];
        let bounds = ["--projects", projects, "--applications", applications];
        let arguments = [&arguments[..], &bounds, more].concat();
        self.credentials(&arguments)
    }

    /// Starts a command and does not wait for its end; it dies with the test at the latest.
    pub fn start_command(&self, arguments: &[&str]) -> Child {
        let log = self.dir().join("command.log");
        let child = process::start(&self.command(arguments), Fate::Kill, &log);
        child.expect("the binary is built")
    }

    /// A command on the gateway's settings, to be run by the test itself.
    pub fn prepared(&self, arguments: &[&str]) -> Command {
        self.command(arguments)
    }

    /// Runs a command behind another program, which becomes it or runs it (`strace -f …`).
    pub fn run_behind(&self, prefix: &[String], arguments: &[&str]) -> Finished {
        let [program, options @ ..] = prefix else {
            return self.run(arguments);
        };
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let command = process::wrapped(program, &options, &self.command(arguments));
        process::run(&command, COMMAND)
    }

    /// Gives a client another secret.
    pub fn rotate(&self, id: &str) -> Credentials {
        self.credentials(&["client", "rotate", id, "--reason", REASON])
    }

    /// Revokes a client; it is done when this comes back.
    pub fn revoke(&self, id: &str) {
        self.run(&["client", "revoke", id, "--reason", REASON])
            .succeeded();
    }

    pub(super) fn credentials(&self, arguments: &[&str]) -> Credentials {
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

    /// What the inspection found: code and id of every difference, in order.
    #[track_caller]
    pub fn differences(&self) -> Vec<(String, String)> {
        let said = self.run(&["doctor", "--json"]);
        let report: serde_json::Value =
            serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        let findings = report["findings"].as_array().expect("a list").iter();
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let mut found: Vec<_> = findings
            .map(|finding| (text(&finding["code"]), text(&finding["id"])))
            .collect();
        found.sort();
        assert_eq!(said.status.code(), Some(i32::from(!found.is_empty())));
        found
    }

    /// A command that calls the API as the application of these credentials.
    pub fn command_as(&self, credentials: &Credentials, arguments: &[&str]) -> Command {
        let secret = self.dir().join(format!("{}.secret", credentials.id));
        fs::write(&secret, &credentials.secret).expect("the scratch directory is writable");
        let mut command = self.command(arguments);
        command
            .env("NAVETTE_URL", self.url(""))
            .env("NAVETTE_CLIENT_ID", &credentials.id)
            .env("NAVETTE_CLIENT_SECRET_FILE", secret)
            .env("NAVETTE_CERTIFICATE", &pki().client.certificate)
            .env("NAVETTE_KEY", &pki().client.key)
            .env("NAVETTE_CA", &pki().root);
        command
    }

    /// Runs such a command.
    pub fn run_as(&self, credentials: &Credentials, arguments: &[&str]) -> Finished {
        process::run(&self.command_as(credentials, arguments), COMMAND)
    }

    /// The file of a blob.
    pub fn blob(&self, id: &str) -> std::path::PathBuf {
        let name = id.replace('-', "");
        let last = u8::from_str_radix(&name[30..], 16).expect("an id is hexadecimal");
        let folder = format!("{:02x}", last % 64);
        self.dir().join("data/store/blobs").join(folder).join(name)
    }
}

/// Changes one bit in the middle of a file.
pub fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("the file is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("it is writable");
}
