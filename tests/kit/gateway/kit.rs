//! Settings on disk, before anything runs.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use super::{
    CALLBACK, COMMAND, Gateway, PROJECT,
    settings::{self, Settings},
};
use crate::kit::{
    partner::Partner,
    ports, postgres,
    process::{self, Finished},
    scratch,
};

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
    pub(super) hub: Option<SocketAddr>,
    pub(super) database: Option<String>,
    pub(super) environment: Vec<(String, String)>,
    settings: Settings,
    projects: BTreeMap<String, Settings>,
    depots: BTreeMap<String, String>,
    pub(super) arguments: Vec<String>,
    pub(super) prefix: Vec<String>,
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
            projects: BTreeMap::from([(
                PROJECT.to_owned(),
                settings::project(PROJECT, &partner.url(CALLBACK)),
            )]),
            depots: BTreeMap::new(),
            arguments: ["serve", "--with-worker"].map(str::to_owned).into(),
            prefix: Vec::new(),
            environment: Vec::new(),
            partner,
            address,
            health,
            hub: None,
            database,
        }
    }

    /// Changes a setting of `navette.toml`; the value is written as in TOML.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.insert(key.to_owned(), value.to_string());
        self
    }

    /// Changes a setting of the project.
    pub fn set_project(self, key: &str, value: impl ToString) -> Self {
        self.set_in(PROJECT, key, value)
    }

    /// Changes a setting of a project of [`Kit::and_project`].
    pub fn set_in(mut self, project: &str, key: &str, value: impl ToString) -> Self {
        let settings = self
            .projects
            .get_mut(project)
            .expect("a project of the kit");
        settings.insert(key.to_owned(), value.to_string());
        self
    }

    /// Adds a project whose returns go to another path of the same partner.
    pub fn and_project(mut self, name: &str, path: &str) -> Self {
        let settings = settings::project(name, &self.partner.url(path));
        self.projects.insert(name.to_owned(), settings);
        self
    }

    /// Starts without a worker: `Gateway::start_worker` starts as many as a test wants, in processes of their own.
    pub fn without_worker(mut self) -> Self {
        self.arguments.pop();
        self
    }

    /// Sets up the secret that the published webhook library needs; [`SHARED_SECRET`](super::SHARED_SECRET).
    pub fn with_shared_secret(self) -> Self {
        let file = self.dir.join("webhook.secret");
        fs::write(&file, super::SHARED_SECRET).expect("the scratch directory is writable");
        self.set_project("callback.webhook_secret_file", format!("{file:?}"))
    }

    /// Adds a depot, by the text of its settings.
    pub fn with_depot(mut self, name: &str, settings: String) -> Self {
        self.depots.insert(name.to_owned(), settings);
        self
    }

    /// The names of the projects.
    pub fn project_names(&self) -> Vec<&str> {
        self.projects.keys().map(String::as_str).collect()
    }

    /// Runs it behind another program, which becomes it (`strace -D …`).
    pub fn behind(mut self, prefix: &[&str]) -> Self {
        self.prefix = prefix.iter().map(|word| (*word).to_owned()).collect();
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
        for (name, settings) in &self.projects {
            let file = projects.join(format!("{name}.toml"));
            fs::write(file, settings::text(settings)).expect("so is its folder");
        }
        let depots = self.dir.join("depots");
        fs::create_dir_all(&depots).expect("so is its folder");
        for (name, settings) in &self.depots {
            fs::write(depots.join(format!("{name}.toml")), settings).expect("so is its folder");
        }
        let file = self.dir.join("navette.toml");
        fs::write(&file, settings::text(&self.settings)).expect("so is its folder");
        file
    }

    /// Runs a command of the binary on settings that were written, without a gateway.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.run_with(&[], arguments)
    }

    /// The same with more environment variables.
    pub fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Finished {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        process::run(&command, COMMAND)
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
        command
            .args(arguments)
            .env("NAVETTE_CONFIG", self.dir.join("navette.toml"))
            .current_dir(&self.dir);
        command
    }

    /// The folder of settings and data.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A gateway that is not started yet, for tests of commands.
    pub fn stopped(self) -> Gateway {
        self.write();
        Gateway::stopped(self)
    }

    /// Starts the gateway and comes back when it is ready.
    pub fn start(self) -> Gateway {
        self.write();
        Gateway::started(self)
    }
}
