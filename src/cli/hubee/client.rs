//! `navette hubee client add|list|revoke`: who may call the hub. Running processes follow within a second.

use clap::{Args, Subcommand};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use super::Desk;
use crate::{
    cli::{
        Answer, Settings,
        operator::{self, Reason},
        output,
    },
    domain::{
        access::client::{generate_secret, hash_of},
        hubee::{OrganizationId, Scope},
        journal::{self, Kind, Subject},
    },
    kernel::{
        entropy::Entropy,
        fault::{Code, Fault, Result},
    },
    storage::{
        exchanges::Owner,
        hubee::clients::{self, ClientRow},
        journal::{EntryRow, append},
    },
};

/// Adds, lists and revokes the clients of the hub.
#[derive(Args)]
pub struct ClientArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Adds a client of an organisation and shows its secret, once.
    ///
    /// Example: navette hubee client add --organization SI-22770001000019-77372 --process CERTDC
    Add(AddArgs),
    /// Lists the clients, revoked ones too.
    ///
    /// Example: navette hubee client list --json
    List(ListArgs),
    /// Revokes a client for good: it is refused everywhere within a second, whatever its tokens say.
    ///
    /// To change a secret, add a second client first.
    ///
    /// Example: navette hubee client revoke si-77372-certdc --reason "other editor"
    Revoke(RevokeArgs),
}

#[derive(Args)]
struct AddArgs {
    /// The organisation that it is: TYPE-SIRET-BRANCH.
    #[arg(long)]
    organization: OrganizationId,
    /// OSL, SI, ADMIN or DATAPASS; the organisation's type where it is left out.
    #[arg(long)]
    scope: Option<Scope>,
    /// The processes that an SI may touch, which it needs; no other scope has such a limit.
    #[arg(long = "process", value_delimiter = ',')]
    processes: Vec<String>,
    /// Its OAuth client id; drawn where it is left out.
    #[arg(long)]
    id: Option<String>,
    /// A name for people; the organisation where it is left out.
    #[arg(long)]
    name: Option<String>,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Option<Reason>,
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
struct RevokeArgs {
    /// The client's id.
    id: String,
    /// Why, for the journal: 200 characters at most, nothing personal.
    #[arg(long)]
    reason: Option<Reason>,
    /// Answer with JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, args: ClientArgs) -> Result<Answer> {
    let desk = Desk::open(settings).await?;
    match args.command {
        Command::Add(args) => add(&desk, args).await,
        Command::List(args) => list(&desk, &args).await,
        Command::Revoke(args) => revoke(&desk, args).await,
    }
}

async fn add(desk: &Desk, args: AddArgs) -> Result<Answer> {
    let (as_json, reason) = (args.json, args.reason.clone());
    let secret = generate_secret(&desk.entropy)?;
    let row = ClientRow {
        id: id(&args, &desk.entropy)?,
        name: args
            .name
            .clone()
            .unwrap_or_else(|| args.organization.to_string()),
        organization: args.organization.to_string(),
        environment: desk.environment.clone(),
        scope: scope(&args)?.as_str().to_owned(),
        processes: processes(&args)?,
        secret_sha256: hash_of(&secret),
        created_at: desk.clock.now(),
        revoked_at: None,
    };
    let id = row.id.clone();
    let entry = entry(desk, &row, "added", reason.as_ref())?;
    let added = desk
        .store
        .write(move |tx| Ok(clients::insert(tx, &row)? && recorded(tx, &entry)?));
    if !added.await? {
        let detail = format!("client {id} exists already; see `navette hubee client list`");
        return Err(usage(detail));
    }
    show_secret(&id, secret.expose(), as_json);
    Ok(Answer::Yes)
}

/// The id that was chosen, or one of 120 random bits.
fn id(args: &AddArgs, entropy: &Entropy) -> Result<String> {
    let Some(id) = &args.id else {
        let bits = entropy.bytes::<15>()?;
        return Ok(BASE32_NOPAD.encode(&bits).to_ascii_lowercase());
    };
    match crate::config::is_name(id) {
        true => Ok(id.clone()),
        false => Err(usage(
            "the client's id is 1 to 64 of a-z, 0-9 and -".to_owned(),
        )),
    }
}

fn scope(args: &AddArgs) -> Result<Scope> {
    let kind = args.organization.kind().to_ascii_uppercase();
    let scope = args.scope.or_else(|| kind.parse().ok());
    scope.ok_or_else(|| usage(format!("--scope is needed: {kind} is the name of none")))
}

/// The processes that the client is limited to (R3).
fn processes(args: &AddArgs) -> Result<Option<Vec<String>>> {
    let fits = |code: &String| {
        (1..=30).contains(&code.chars().count()) && !code.chars().any(char::is_control)
    };
    if !args.processes.iter().all(fits) {
        return Err(usage(
            "the code of a process has 1 to 30 characters".to_owned(),
        ));
    }
    match (scope(args)?, args.processes.is_empty()) {
        (Scope::Si, true) => Err(usage(
            "an SI needs --process: the processes that it is issued for".to_owned(),
        )),
        (Scope::Si, false) => Ok(Some(args.processes.clone())),
        (_, true) => Ok(None),
        (scope, false) => Err(usage(format!(
            "--process is for an SI: what an {scope} may do is not limited to some processes"
        ))),
    }
}

async fn list(desk: &Desk, args: &ListArgs) -> Result<Answer> {
    let environment = desk.environment.clone();
    let rows = desk.store.read(move |tx| clients::all(tx, &environment));
    let rows = rows.await?;
    let all: Vec<Value> = rows.iter().map(shown).collect();
    output::either(args.json, &all, || {
        rows.iter().map(text).collect::<Vec<_>>().join("\n")
    });
    Ok(Answer::Yes)
}

async fn revoke(desk: &Desk, args: RevokeArgs) -> Result<Answer> {
    let (id, environment, now) = (args.id.clone(), desk.environment.clone(), desk.clock.now());
    let (wanted, here) = (id.clone(), environment.clone());
    let found = desk.store.read(move |tx| clients::find(tx, &here, &wanted));
    let unknown = || usage(format!("no client {id}; see `navette hubee client list`"));
    let row = found.await?.ok_or_else(unknown)?;
    let entry = entry(desk, &row, "revoked", args.reason.as_ref())?;
    let revoked = desk.store.write(move |tx| {
        Ok(clients::revoke(tx, &environment, &row.id, now)? && recorded(tx, &entry)?)
    });
    let done = revoked.await?;
    let answer = json!({ "clientId": args.id, "revoked": done });
    output::either(args.json, &answer, || match done {
        true => format!("{} is revoked", args.id),
        false => format!("{} was revoked before", args.id),
    });
    Ok(Answer::Yes)
}

fn entry(desk: &Desk, row: &ClientRow, change: &str, reason: Option<&Reason>) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: None,
        project: None,
        owner: Owner {
            partner: row.organization.clone(),
            environment: row.environment.clone(),
        },
    };
    let detail = json!({
        "clientId": row.id,
        "change": change,
        "scope": row.scope,
        "operator": operator::name(),
        "reason": reason.map(Reason::as_str),
    });
    journal::entry(
        &desk.clock,
        &desk.entropy,
        Kind::ClientChanged,
        subject,
        detail,
    )
}

fn recorded(tx: &mut crate::storage::Tx<'_>, entry: &EntryRow) -> Result<bool> {
    append(tx, entry)?;
    Ok(true)
}

fn usage(detail: String) -> Fault {
    Fault::new(Code::Usage, detail)
}

fn show_secret(id: &str, secret: &str, as_json: bool) {
    let answer = json!({ "clientId": id, "clientSecret": secret });
    output::either(as_json, &answer, || {
        format!(
            "client id:     {id}\nclient secret: {secret}\n\nThe secret is shown once and stored as a hash only: keep it now."
        )
    });
}

fn shown(row: &ClientRow) -> Value {
    json!({
        "clientId": row.id, "name": row.name, "organization": row.organization, "environment": row.environment,
        "scope": row.scope, "processes": row.processes, "createdAt": row.created_at, "revokedAt": row.revoked_at,
    })
}

fn text(row: &ClientRow) -> String {
    let state = row
        .revoked_at
        .map_or("active".to_owned(), |at| format!("revoked {at}"));
    let processes = row.processes.as_ref().map(|codes| codes.join(","));
    format!(
        "{:<24} {:<36} {:<8} processes {} {state}",
        row.id,
        row.organization,
        row.scope,
        processes.as_deref().unwrap_or("all"),
    )
}
