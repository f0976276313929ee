//! The composition root: the only place that knows every adapter. It turns settings into a running house.
//!
//! [`soundness`] says whether what the settings name serves, before anything is opened; [`House::open`] opens database, store,
//! keys and signer; [`serve`] and [`work`] run the two halves of a process until they are told to stop, and end gracefully: no
//! new connection, bodies in flight finished, leases handed back.

mod credentials;
mod hub;
mod keeping;
pub mod soundness;
mod watching;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::watching::watch;

use crate::{
    config::{Config, Database, Gateway},
    domain::{
        Context,
        access::Registry,
        archives::Lines,
        backup::restore,
        ged::Keyring,
        incidents::{Herald, Intake},
        processing::Registry as Processors,
        returns::{Couriers, make::Workshop},
    },
    http::{
        api::{self, Api},
        body::Limits,
        listener::{self, Listener},
        problem,
        tls::Tls,
        trace::{self, Front, Render},
    },
    kernel::{
        clock::Clock,
        crowd::Crowd,
        entropy::Entropy,
        fault::{Code, Fault, Result},
    },
    sandbox::{Pool, Settings as PoolSettings},
    storage::{Access, Store, migrate},
    vault::Vault,
    worker::{Worker, acknowledgments, depots, periodic},
};

/// An open house: everything that serving, working and the operator's commands share.
#[derive(Clone)]
pub struct House {
    /// What the domain needs.
    pub ctx: Context,
}

impl House {
    /// Opens everything that the settings name, and brings the database to today's schema. Fails with `configuration` where
    /// a restoration has begun and not ended.
    pub async fn open(config: Config) -> Result<Self> {
        match restore::is_unfinished(&config.gateway.data_dir) {
            false => Self::open_to_restore(config).await,
            true => Err(Fault::new(
                Code::Configuration,
                "a restoration has begun and not ended: run `navette restore` again",
            )),
        }
    }

    /// The same for the restoration itself.
    pub async fn open_to_restore(config: Config) -> Result<Self> {
        let store = open_store(&config.gateway, Access::Full)?;
        let applied = migrate::migrate(&store, &Clock::system()).await?;
        if !applied.is_empty() {
            tracing::info!(?applied, "database migrated");
        }
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let vault = Vault::open(&vault_root(&config.gateway), clock, entropy)?;
        Self::compose(config, store, vault)
    }

    /// Opens what is there for reading: no migration, no folder, no key is made, and a write fails with `unavailable`.
    /// Fails with `configuration` where the database is not at this program's schema.
    pub async fn open_read_only(config: Config) -> Result<Self> {
        let store = open_store(&config.gateway, Access::ReadOnly)?;
        migrate::check_current(&store).await?;
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let vault = Vault::existing(&vault_root(&config.gateway), clock, entropy);
        Self::compose(config, store, vault)
    }

    fn compose(config: Config, store: Store, vault: Vault) -> Result<Self> {
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let gateway = &config.gateway;
        let keyring = Keyring::open(
            &gateway.master_key_file,
            &gateway.data_dir,
            store.clone(),
            clock.clone(),
            entropy.clone(),
        )?;
        let signer = credentials::signer(gateway, &clock)?;
        let ctx = Context {
            config: Arc::new(config),
            store,
            vault,
            keyring,
            signer: Arc::new(signer),
            clock,
            entropy,
            bell: Arc::new(Notify::new()),
            intakes: Crowd::default(),
        };
        Ok(Self { ctx })
    }
}

fn vault_root(gateway: &Gateway) -> PathBuf {
    gateway.data_dir.join("store")
}

/// Opens the database alone, without migrating it.
pub fn open_store(gateway: &Gateway, access: Access) -> Result<Store> {
    match &gateway.database {
        Database::Sqlite { path, readers } => {
            match access {
                Access::Full => make_data_dir(gateway)?,
                Access::ReadOnly if path.exists() => {}
                Access::ReadOnly => return Err(no_database(path)),
            }
            Store::sqlite(path, *readers, access)
        }
        Database::Postgres {
            url,
            password_file,
            connections,
        } => {
            let password = password_file
                .as_deref()
                .map(credentials::read)
                .transpose()?;
            let password = password.as_deref().map(<[u8]>::trim_ascii);
            Store::postgres(url, password, *connections, access)
        }
    }
}

fn no_database(path: &Path) -> Fault {
    let detail = format!(
        "{}: no database there: run `navette migrate`",
        path.display()
    );
    Fault::new(Code::Configuration, detail)
}

fn make_data_dir(gateway: &Gateway) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let folder = &gateway.data_dir;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(|error| {
        Fault::new(
            Code::Configuration,
            format!("{}: {error}", folder.display()),
        )
    })
}

/// Serves the API, and health and metrics, until `stop`.
pub async fn serve(house: &House, stop: CancellationToken) -> Result<()> {
    let gateway = &house.ctx.config.gateway;
    let limits = limits(gateway);
    let tls = Arc::new(Tls::load(credentials::of_listener(gateway))?);
    let settings = listener::Settings {
        connections: gateway.listen.connections,
        limits,
        ..listener::Settings::default()
    };
    let clients = Registry::new(house.ctx.store.clone(), &gateway.environment);
    clients.refresh().await?;
    let keyring = house.ctx.keyring.clone();
    tokio::spawn(keeping::keep_fresh(clients.clone(), keyring, stop.clone()));
    tokio::spawn(keeping::keep_certificates(tls.clone(), stop.clone()));
    let listener = Listener::bind(gateway.listen.address, Some(tls), settings).await?;
    tracing::info!(address = %listener.address(), url = gateway.listen.public_url, "serving");
    let front = front(house, limits, problem::render);
    let api = Arc::new(Api {
        ctx: house.ctx.clone(),
        clients,
        tokens: credentials::tokens(gateway)?,
        limits,
        intake: Intake::default(),
        announced: Default::default(),
    });
    let hub = hub::open(house, stop.clone()).await?;
    let hub = async {
        if let Some((listener, router)) = hub {
            listener.serve(router, stop.clone()).await;
        }
    };
    let api = listener.serve(trace::dress(api::routes(api), front), stop.clone());
    tokio::join!(api, hub);
    Ok(())
}

/// What every listener puts before its handlers; `render` writes faults as its contract has them.
fn front(house: &House, limits: Limits, render: Render) -> Front {
    Front {
        clock: house.ctx.clock.clone(),
        entropy: house.ctx.entropy.clone(),
        limits,
        render,
    }
}

fn limits(gateway: &Gateway) -> Limits {
    Limits {
        transaction: gateway.limits.transaction,
        return_reserve: gateway.limits.return_reserve,
        rate: gateway.limits.body_rate,
        grace: gateway.limits.body_grace,
        idle: gateway.limits.body_silence,
        total: gateway.limits.body_deadline,
    }
}

/// Works jobs, and does what runs by the clock, until `stop`.
pub async fn work(house: &House, stop: CancellationToken) -> Result<()> {
    let ctx = house.ctx.clone();
    let sandbox = &ctx.config.gateway.sandbox;
    let program = std::env::current_exe().map_err(Fault::internal)?;
    let mut settings = PoolSettings::new(program);
    settings.children = sandbox.children;
    settings.memory_bytes = sandbox.memory;
    settings.deadline = sandbox.deadline;
    let workshop = Workshop {
        registry: Processors::builtin(),
        sandbox: Arc::new(Pool::start(settings).await?),
    };
    let couriers = Couriers::new(&ctx.config.projects, &ctx.clock)?;
    tokio::spawn(keeping::look_at_targets(couriers.clone()));
    let herald = Herald::new(&ctx.config, &ctx.clock)?;
    let lines = Lines::new(&ctx.config.depots, &ctx.clock);
    let by_the_clock = tokio::spawn(periodic::run(ctx.clone(), stop.clone()));
    let at_the_depots = depots::run(ctx.clone(), lines.clone(), stop.clone());
    let at_the_depots = tokio::spawn(at_the_depots);
    let answers = acknowledgments::run(ctx.clone(), lines.clone(), stop.clone());
    let answers = tokio::spawn(answers);
    let told = (couriers, herald, lines);
    Worker::new(ctx, workshop, told).run(stop).await;
    at_the_depots.await.map_err(Fault::internal)??;
    answers.await.map_err(Fault::internal)??;
    by_the_clock.await.map_err(Fault::internal)?
}
