//! `navette client add|list|rotate|revoke`: who may call. Running processes follow within a second.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Answer, Settings,
    operator::{self, Reason},
    output,
};
use crate::{
    app,
    domain::{
        access::{
            Scopes,
            client::{generate_secret, hash_of},
        },
        journal::{self, Kind, Subject},
    },
    kernel::{
        clock::Clock,
        digest::{from_hex, hex},
        entropy::Entropy,
        fault::{Code, Fault, Result},
    },
    storage::{
        Access, Store,
        clients::{self, ClientRow},
        exchanges::Owner,
        journal::{EntryRow, append},
        migrate,
    },
};

/// Adds, lists, rotates and revokes the clients of the API.
#[derive(Args)]
pub struct ClientArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Adds a client and shows its secret, once.
    ///
    /// Example: navette client add isis --partner ASP --scopes pieces:write,pieces:read --projects asp-mae \
    ///     --applications isis --reason "ouverture du marché"
    Add(AddArgs),
    /// Lists the clients, revoked ones too.
    ///
    /// Example: navette client list --json
    List(ListArgs),
    /// Gives a client another secret and shows it, once; the old one is refused at once, tokens live on.
    ///
    /// Example: navette client rotate asp-demo --reason "lost"
    Rotate(OneArgs),
    /// Revokes a client for good: it is refused everywhere within a second, whatever its tokens say.
    ///
    /// Example: navette client revoke asp-demo --reason "project ended"
    Revoke(OneArgs),
}

#[derive(Args)]
struct AddArgs {
    /// The client's id: 1 to 64 of a-z, 0-9 and -.
    id: String,
    /// The organisation whose application it is.
    #[arg(long, default_value = "ASP")]
    partner: String,
    /// A name for people; the id where it is left out.
    #[arg(long)]
    name: Option<String>,
    /// What its tokens may allow.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "pieces:write,pieces:read"
    )]
    scopes: Vec<String>,
    /// The projects it may name.
    #[arg(long, value_delimiter = ',', required = true)]
    projects: Vec<String>,
    /// The source applications it may speak for.
    #[arg(long, value_delimiter = ',', required = true)]
    applications: Vec<String>,
    /// Pin its certificate: SHA-256 of the DER, hexadecimal, colons allowed. Any of the configured CA where left out.
    #[arg(long)]
    certificate_sha256: Option<String>,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ListArgs {
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct OneArgs {
    /// The client's id.
    id: String,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Reason,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

/// What the commands that change something work with.
struct Desk {
    store: Store,
    environment: String,
    known_projects: Vec<String>,
    clock: Clock,
    entropy: Entropy,
}

pub(super) async fn run(settings: &Settings, args: ClientArgs) -> Result<Answer> {
    match args.command {
        Command::Add(args) => Desk::open(settings).await?.add(args).await,
        Command::List(args) => list(settings, &args).await,
        Command::Rotate(args) => Desk::open(settings).await?.rotate(args).await,
        Command::Revoke(args) => Desk::open(settings).await?.revoke(args).await,
    }
}

/// Looks and changes nothing: not even a database that is not there, or not of this release.
async fn list(settings: &Settings, args: &ListArgs) -> Result<Answer> {
    let store = app::open_store(&settings.load()?.gateway, Access::ReadOnly)?;
    migrate::check_current(&store).await?;
    let rows = store.read(clients::all).await?;
    let shown: Vec<Value> = rows.iter().map(shown).collect();
    output::either(args.json, &shown, || {
        rows.iter().map(text).collect::<Vec<_>>().join("\n")
    });
    Ok(Answer::Yes)
}

impl Desk {
    /// Opens the database, made or migrated where need be: the first client may come before the first start.
    async fn open(settings: &Settings) -> Result<Self> {
        let config = settings.load()?;
        let desk = Self {
            store: app::open_store(&config.gateway, Access::Full)?,
            environment: config.gateway.environment,
            known_projects: config.projects.keys().cloned().collect(),
            clock: Clock::system(),
            entropy: Entropy::system(),
        };
        migrate::migrate(&desk.store, &desk.clock).await?;
        Ok(desk)
    }

    async fn add(&self, args: AddArgs) -> Result<Answer> {
        self.check(&args)?;
        let secret = generate_secret(&self.entropy)?;
        let row = ClientRow {
            id: args.id.clone(),
            name: args.name.unwrap_or_else(|| args.id.clone()),
            partner: args.partner,
            environment: self.environment.clone(),
            scopes: args.scopes,
            projects: args.projects,
            source_applications: args.applications,
            certificate_sha256: args
                .certificate_sha256
                .as_deref()
                .map(fingerprint)
                .transpose()?,
            secret_sha256: hash_of(&secret),
            created_at: self.clock.now(),
            revoked_at: None,
        };
        let entry = self.entry(&row, "added", &args.reason)?;
        let added = self
            .store
            .write(move |tx| Ok(clients::insert(tx, &row)? && record(tx, &entry)?));
        if !added.await? {
            return Err(usage(format!(
                "client {} exists already; see `navette client list`",
                args.id
            )));
        }
        show_secret(&args.id, secret.expose(), args.json);
        Ok(Answer::Yes)
    }

    fn check(&self, args: &AddArgs) -> Result<()> {
        if !crate::config::is_name(&args.id) {
            return Err(usage(
                "the client's id is 1 to 64 of a-z, 0-9 and -".to_owned(),
            ));
        }
        args.scopes
            .join(" ")
            .parse::<Scopes>()
            .map_err(|error| usage(error.to_string()))?;
        let unknown = args
            .projects
            .iter()
            .find(|project| !self.known_projects.contains(project));
        match unknown {
            Some(project) => Err(usage(format!(
                "project {project} is not configured in projects/"
            ))),
            None => Ok(()),
        }
    }

    async fn rotate(&self, args: OneArgs) -> Result<Answer> {
        let secret = generate_secret(&self.entropy)?;
        let (id, hash) = (args.id.clone(), hash_of(&secret));
        let entry = self.changed(&args, "rotated").await?;
        let rotated = self
            .store
            .write(move |tx| Ok(clients::rotate(tx, &id, &hash)? && record(tx, &entry)?));
        if !rotated.await? {
            return Err(usage(format!("client {} is revoked", args.id)));
        }
        show_secret(&args.id, secret.expose(), args.json);
        Ok(Answer::Yes)
    }

    async fn revoke(&self, args: OneArgs) -> Result<Answer> {
        let (id, now) = (args.id.clone(), self.clock.now());
        let entry = self.changed(&args, "revoked").await?;
        let revoked = self
            .store
            .write(move |tx| Ok(clients::revoke(tx, &id, now)? && record(tx, &entry)?));
        let done = revoked.await?;
        output::either(
            args.json,
            &json!({ "clientId": args.id, "revoked": done }),
            || match done {
                true => format!("{} is revoked", args.id),
                false => format!("{} was revoked before", args.id),
            },
        );
        Ok(Answer::Yes)
    }

    async fn changed(&self, args: &OneArgs, change: &str) -> Result<EntryRow> {
        let (id, wanted) = (&args.id, args.id.clone());
        let found = self
            .store
            .read(move |tx| clients::find(tx, &wanted))
            .await?;
        let row =
            found.ok_or_else(|| usage(format!("no client {id}; see `navette client list`")))?;
        self.entry(&row, change, &args.reason)
    }

    fn entry(&self, row: &ClientRow, change: &str, reason: &Reason) -> Result<EntryRow> {
        let subject = Subject {
            exchange_id: None,
            project: None,
            owner: Owner {
                partner: row.partner.clone(),
                environment: row.environment.clone(),
            },
        };
        let detail = json!({
            "clientId": row.id,
            "change": change,
            "operator": operator::name(),
            "reason": reason.as_str(),
        });
        journal::entry(
            &self.clock,
            &self.entropy,
            Kind::ClientChanged,
            subject,
            detail,
        )
    }
}

fn record(tx: &mut crate::storage::Tx<'_>, entry: &EntryRow) -> Result<bool> {
    append(tx, entry)?;
    Ok(true)
}

fn usage(detail: String) -> Fault {
    Fault::new(Code::Usage, detail)
}

fn fingerprint(text: &str) -> Result<[u8; 32]> {
    let bytes = from_hex(&text.replace(':', "")).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| usage("--certificate-sha256 takes 64 hexadecimal digits".to_owned()))
}

fn show_secret(id: &str, secret: &str, as_json: bool) {
    output::either(
        as_json,
        &json!({ "clientId": id, "clientSecret": secret }),
        || {
            format!(
                "client id:     {id}\nclient secret: {secret}\n\nThe secret is shown once and stored as a hash only: keep it now."
            )
        },
    );
}

fn shown(row: &ClientRow) -> Value {
    json!({
        "clientId": row.id, "name": row.name, "partner": row.partner, "environment": row.environment,
        "scopes": row.scopes, "projects": row.projects, "sourceApplications": row.source_applications,
        "certificateSha256": row.certificate_sha256.map(|digest| hex(&digest)),
        "createdAt": row.created_at, "revokedAt": row.revoked_at,
    })
}

fn text(row: &ClientRow) -> String {
    let state = row
        .revoked_at
        .map_or("active".to_owned(), |at| format!("revoked {at}"));
    format!(
        "{:<24} {:<10} {:<28} projects {} applications {} {state}",
        row.id,
        row.partner,
        row.scopes.join(" "),
        row.projects.join(","),
        row.source_applications.join(",")
    )
}
