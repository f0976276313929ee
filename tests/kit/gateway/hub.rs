//! The hub's side of a gateway: where it listens, who may call it, what it knows of the world.

use std::{fs, net::SocketAddr};

use serde_json::Value;

use super::{Credentials, Gateway, Kit, REASON};
use crate::kit::{pki::pki, ports};

impl Kit {
    /// Opens the HubEE hub on a free port of its own, with defaults for the rest.
    pub fn with_hub(mut self) -> Self {
        if self.hub.is_some() {
            return self;
        }
        let address = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        self.hub = Some(address);
        let quoted = |text: String| format!("{text:?}");
        let server = &pki().server;
        self.set("hubee.address", quoted(address.to_string()))
            .set(
                "hubee.certificate",
                quoted(server.certificate.display().to_string()),
            )
            .set("hubee.key_file", quoted(server.key.display().to_string()))
            .set(
                "hubee.public_url",
                quoted(format!("https://localhost:{}", address.port())),
            )
    }
}

impl Gateway {
    /// Where the hub listens.
    #[track_caller]
    pub fn hub_address(&self) -> SocketAddr {
        self.kit.hub.expect("a kit `with_hub`")
    }

    /// The address of a path of the hub.
    #[track_caller]
    pub fn hub_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.hub_address().port())
    }

    /// Registers a client of the hub: one organisation, one scope, and an SI's processes.
    pub fn hub_register(&self, organization: &str, scope: &str, processes: &[&str]) -> Credentials {
        let mut arguments = vec!["hubee", "client", "add", "--organization", organization];
        arguments.extend(["--scope", scope, "--reason", REASON]);
        let processes = processes.join(",");
        if !processes.is_empty() {
            arguments.extend(["--process", &processes]);
        }
        self.credentials(&arguments)
    }

    /// Imports organisations, processes and subscriptions.
    #[track_caller]
    pub fn hub_import(&self, referential: &Value) {
        let file = self.dir().join("referential.json");
        fs::write(&file, referential.to_string()).expect("the scratch directory is writable");
        let file = file.display().to_string();
        self.run(&["hubee", "import", &file, "--reason", REASON])
            .succeeded();
    }
}
