//! What the kit asks of the binary's commands: the one place that knows their form.

use super::Gateway;

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
        let scopes = scopes.join(",");
        let projects = self.kit.project_names().join(",");
        let arguments = ["client", "add", name, "--scopes", &scopes];
        let bounds = [
            "--projects",
            &projects,
            "--applications",
            APPLICATION,
            "--json",
        ];
        let said = self.run(&[&arguments[..], &bounds].concat()).succeeded();
        let said: serde_json::Value = serde_json::from_str(&said).expect("it was asked for JSON");
        let text = |name: &str| said[name].as_str().expect("a text").to_owned();
        Credentials {
            id: text("clientId"),
            secret: text("clientSecret"),
        }
    }

    /// Fails unless store, database and journal agree.
    #[track_caller]
    pub fn doctor(&self) {
        self.run(&["doctor"]).succeeded();
    }
}
