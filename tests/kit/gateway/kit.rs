//! Settings on disk, before anything runs.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use super::{
    CALLBACK, Gateway, PROJECT,
    settings::{self, Settings},
};
use crate::kit::{partner::Partner, ports, postgres, scratch};

/// Which database stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// The server of this test process, a database of its own.
    Postgres,
}

/// A gateway that is configured and not yet started, with its partner.
#[derive(Debug)]
pub struct Kit {
    /// The stand-in that the project's returns go to.
    pub partner: Arc<Partner>,
    pub(super) dir: PathBuf,
    pub(super) address: SocketAddr,
    pub(super) health: SocketAddr,
    pub(super) database: Option<String>,
    pub(super) environment: Vec<(String, String)>,
    settings: Settings,
    project: Settings,
}

impl Kit {
    /// Default settings on free ports, on a new database.
    pub fn new(engine: Engine) -> Self {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(postgres::fresh_database()),
        };
        Self::with_database(database)
    }

    /// The same on a database of the test's own (`None`: SQLite).
    pub fn with_database(database: Option<String>) -> Self {
        let partner = Arc::new(Partner::start());
        let [address, health] =
            [ports::free(), ports::free()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        Self {
            dir: scratch::fresh("gateway"),
            settings: settings::gateway(address, health, database.as_deref()),
            project: settings::project(&partner.url(CALLBACK)),
            environment: Vec::new(),
            partner,
            address,
            health,
            database,
        }
    }

    /// Changes a setting of `navette.toml`; the value is written as in TOML.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.insert(key.to_owned(), value.to_string());
        self
    }

    /// Changes a setting of the project.
    pub fn set_project(mut self, key: &str, value: impl ToString) -> Self {
        self.project.insert(key.to_owned(), value.to_string());
        self
    }

    /// Sets an environment variable of the gateway, such as `NAVETTE_FAILPOINT`.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes the settings without starting anything, for tests of commands.
    pub fn write(&self) -> PathBuf {
        let projects = self.dir.join("projects");
        fs::create_dir_all(&projects).expect("the scratch directory is writable");
        let project = projects.join(format!("{PROJECT}.toml"));
        fs::write(project, settings::text(&self.project)).expect("so is its folder");
        let file = self.dir.join("navette.toml");
        fs::write(&file, settings::text(&self.settings)).expect("so is its folder");
        file
    }

    /// Starts the gateway and comes back when it is ready.
    pub fn start(self) -> Gateway {
        self.write();
        Gateway::started(self)
    }
}
