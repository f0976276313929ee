//! Subscriptions (R52): an organisation that receives the folders of a process, and how it wants to be told.
//!
//! What names a person (mails, local administrator, delegated actor, the reason of a refusal) is sealed under the
//! subscription's own key; a delegated actor is found by the keyed hash of the address. [`create`] and [`replace`] read
//! the body with every fault at once, ask the database what speaks against it, and write the row with its journal entry.
//! Where it stands then is in [`super::subscription_standing`], lists are in [`super::subscription_list`], the activation of a day in
//! [`super::activation`].

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    Caller, Document, Refusal, Result,
    contact::Person,
    perimeter, process,
    referential::{self, Action, Object},
    refusal::{self, SUBSCRIPTION},
    subscription_body::{self, Body},
    subscription_list,
    subscription_standing::{Said, Standing},
};
use crate::{
    domain::{Context, exchanges::HUB, ged::keyring::ProjectKeys},
    kernel::{
        digest::Sha256,
        fault::{Fault, Result as Kept},
        seal,
    },
    storage::{
        Tx,
        hubee::{
            organizations,
            subscriptions::{self as rows, SubscriptionRow},
        },
    },
};

/// How often a subscriber is mailed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// A mail each time.
    Unit,
    /// One digest a day.
    Daily,
    /// None.
    Never,
}

impl Frequency {
    /// Reads a frequency, compared without case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_lowercase().as_str() {
            "unitaire" => Some(Self::Unit),
            "quotidien" => Some(Self::Daily),
            "aucune" => Some(Self::Never),
            _ => None,
        }
    }
}

/// What of a subscription is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// Where mails go.
    pub email: Option<String>,
    /// Who administrates it on the subscriber's side.
    pub local_administrator: Person,
    /// Who acts for the subscriber.
    pub delegation_actor: Option<Person>,
    /// Why it was refused.
    pub rejection_reason: Option<String>,
    /// The software that created it (R4).
    #[serde(default)]
    pub partner_info: Json,
}

/// Opens what of a subscription is sealed. Fails with `corrupt` where a bit of it differs.
pub async fn open(ctx: &Context, id: Uuid, wrapped_key: &[u8], sealed: &[u8]) -> Kept<Sealed> {
    let keys = ctx.keyring.project(HUB).await?;
    open_with(&keys, id, wrapped_key, sealed)
}

/// The same where the hub's keys are at hand.
pub(super) fn open_with(
    keys: &ProjectKeys,
    id: Uuid,
    wrapped_key: &[u8],
    sealed: &[u8],
) -> Kept<Sealed> {
    let key = keys.unwrap(wrapped_key)?;
    let plain = seal::open(&key, &context(id), sealed)?;
    serde_json::from_slice(&plain).map_err(Fault::internal)
}

/// The address that mails about a subscription go to, where it has one.
pub async fn address(ctx: &Context, row: &SubscriptionRow) -> Kept<Option<String>> {
    let sealed = open(ctx, row.id, &row.wrapped_key, &row.sealed).await?;
    Ok(sealed.email)
}

/// The keyed hash under which a delegated actor's address is found, whatever its case.
pub(super) fn actor_hash(keys: &ProjectKeys, email: &str) -> Sha256 {
    let email = email.to_lowercase();
    keys.hash_fields(&[b"hub delegation actor", email.as_bytes()])
}

fn context(id: Uuid) -> Vec<u8> {
    [&b"hub subscription "[..], id.as_bytes()].concat()
}

/// Creates a subscription; answers it, persons in full.
pub async fn create(ctx: &Context, caller: &Caller, document: Document) -> Result<Json> {
    let body = subscription_body::read(&document.object());
    let mut faults = document.faults();
    faults.extend(against_database(ctx, &body, None).await?);
    Refusal::unless_none(faults)?;
    let id = ctx.entropy.uuid(&ctx.clock)?;
    let sealed = Sealed {
        partner_info: caller.partner.to_json(),
        ..body.sealed(None)
    };
    let row = row(ctx, id, &body, &sealed, (None, said(&body))).await?;
    let subject = id.to_string();
    let entry = referential::entry(ctx, caller, Object::Subscription, &subject, Action::Created)?;
    let (written, taken) = (row.clone(), body.taken());
    refusal::write(&ctx.store, move |tx| match rows::insert(tx, &written)? {
        true => Ok(referential::append(tx, &entry)?),
        // Another was faster.
        false => Err(Refusal::bad(&taken)),
    })
    .await?;
    Ok(subscription_list::view(&row, &sealed, Person::full))
}

/// Replaces all of a subscription but its id; answers it. A status that is left out stays as it is.
pub async fn replace(ctx: &Context, caller: &Caller, id: Uuid, document: Document) -> Result<Json> {
    let body = subscription_body::read(&document.object());
    let found = ctx.store.read(move |tx| rows::find(tx, id)).await?;
    let before = found.ok_or(Refusal::NotFound(SUBSCRIPTION))?;
    let mut faults = document.faults();
    faults.extend(against_database(ctx, &body, Some(&before)).await?);
    Refusal::unless_none(faults)?;
    let known = open(ctx, id, &before.wrapped_key, &before.sealed).await?;
    let sealed = body.sealed(Some(&known));
    let said = said(&body);
    let row = row(ctx, id, &body, &sealed, (Some(&before), said)).await?;
    let subject = id.to_string();
    let entry = referential::entry(
        ctx,
        caller,
        Object::Subscription,
        &subject,
        Action::Replaced,
    )?;
    let taken = body.taken();
    let row = refusal::write(&ctx.store, move |tx| {
        let written = put(tx, &row, said, &taken)?;
        referential::append(tx, &entry)?;
        Ok(written)
    })
    .await?;
    Ok(subscription_list::view(&row, &sealed, Person::brief))
}

/// What the body of a request says of where it stands.
fn said(body: &Body) -> Said {
    Said {
        status: body.status,
        by_file: false,
    }
}

/// Writes a subscription over the one of its id, unless another has its place; answers what was written. Of two that go to the same
/// place at once, the database stops the second, whose unit then runs again and finds the place taken.
fn put(tx: &mut Tx<'_>, row: &SubscriptionRow, said: Said, taken: &str) -> Result<SubscriptionRow> {
    let other = rows::of(tx, &row.subscriber, &row.process_code)?;
    if other.is_some_and(|other| other.id != row.id) {
        return Err(Refusal::bad(taken));
    }
    put_over(tx, row, said)?.ok_or(Refusal::NotFound(SUBSCRIPTION))
}

/// Writes a subscription over the one of its id, which stands from then on where that one and what is said have it; answers what
/// was written, nothing where there is none of that id.
pub(super) fn put_over(
    tx: &mut Tx<'_>,
    row: &SubscriptionRow,
    said: Said,
) -> Kept<Option<SubscriptionRow>> {
    let Some(now) = rows::lock(tx, row.id)? else {
        return Ok(None);
    };
    let mut row = row.clone();
    let at = row.updated_at.unwrap_or(row.created_at);
    Standing::of(said, row.activate_at, Some(&now), at).settle(&mut row);
    rows::replace(tx, &now, &row)?;
    Ok(Some(row))
}

/// The subscription of that id, for ADMIN and the OSL of its process.
pub async fn find(ctx: &Context, caller: &Caller, id: Uuid) -> Result<Json> {
    let found = ctx.store.read(move |tx| {
        let Some(row) = rows::find(tx, id)? else {
            return Ok(None);
        };
        let process = process::find_in(tx, &row.process_code)?;
        Ok(Some((row, process)))
    });
    let (row, process) = found.await?.ok_or(Refusal::NotFound(SUBSCRIPTION))?;
    let process = process.ok_or_else(|| Fault::internal("a subscription to no process"))?;
    perimeter::subscription(caller, &process.osl)?;
    let sealed = open(ctx, id, &row.wrapped_key, &row.sealed).await?;
    Ok(subscription_list::view(&row, &sealed, Person::brief))
}

/// What the database has against a subscription that is to be written over `before`, or anew.
async fn against_database(
    ctx: &Context,
    body: &Body,
    before: Option<&SubscriptionRow>,
) -> Kept<Vec<String>> {
    let (code, own) = (body.process_code.clone(), before.map(|before| before.id));
    let subscriber = body.subscriber.as_ref().map(ToString::to_string);
    let found = ctx.store.read(move |tx| {
        let process = process::find_in(tx, &code)?;
        let Some(name) = &subscriber else {
            return Ok((process, true, false));
        };
        let other = rows::of(tx, name, &code)?;
        let is_taken = other.is_some_and(|other| Some(other.id) != own);
        Ok((process, organizations::exists(tx, name)?, is_taken))
    });
    let (process, has_subscriber, is_taken) = found.await?;
    let code = &body.process_code;
    let stays = before.is_some_and(|before| before.process_code == *code);
    let mut faults = Vec::new();
    match process {
        None if !code.is_empty() => faults.push(format!("Process {code} does not exist")),
        Some(process) if !process.is_activated && !stays => {
            faults.push(format!("Process {code} is not activated"));
        }
        _ => {}
    }
    if let Some(subscriber) = body.subscriber.as_ref().filter(|_| !has_subscriber) {
        faults.push(format!("Organization {subscriber} does not exist"));
    }
    if is_taken {
        faults.push(body.taken());
    }
    Ok(faults)
}

/// The row that a sound body makes, sealed under a key of its own.
pub(super) async fn row(
    ctx: &Context,
    id: Uuid,
    body: &Body,
    sealed: &Sealed,
    (before, said): (Option<&SubscriptionRow>, Said),
) -> Kept<SubscriptionRow> {
    let none = || Fault::internal("a subscription without a subscriber");
    let subscriber = body.subscriber.as_ref().ok_or_else(none)?;
    let keys = ctx.keyring.project(HUB).await?;
    let (key, wrapped_key) = keys.fresh_lasting(&ctx.entropy)?;
    let plain = serde_json::to_vec(sealed).map_err(Fault::internal)?;
    let now = ctx.clock.now();
    let standing = Standing::of(said, body.activate_at, before, now);
    let actor = sealed.delegation_actor.as_ref();
    let actor = actor.and_then(|actor| actor.email.as_deref());
    Ok(SubscriptionRow {
        id,
        owner: ctx.owner(&subscriber.to_string()),
        subscriber: subscriber.to_string(),
        process_code: body.process_code.clone(),
        datapass_id: body.datapass_id,
        si_type: subscriber.kind().to_owned(),
        si_company_register: subscriber.register().to_owned(),
        si_branch_code: subscriber.branch().to_owned(),
        activation_due_at: standing.due_at,
        status: standing.status,
        frequency: body.frequency.clone(),
        access_mode: body.access_mode.map(str::to_owned),
        activate_at: body.activate_at,
        validate_at: body.validate_at,
        reject_at: body.reject_at,
        end_at: body.end_at,
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: before.map(|_| now),
        delegation_actor_hash: actor.map(|email| actor_hash(&keys, email)),
        wrapped_key,
        sealed: seal::seal(&key, &ctx.entropy, &context(id), &plain)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R52: frequencies are compared without case.
    #[test]
    fn a_frequency_is_read_in_letters_of_any_size() {
        assert_eq!(Frequency::parse("Unitaire"), Some(Frequency::Unit));
        assert_eq!(Frequency::parse("QUOTIDIEN"), Some(Frequency::Daily));
        assert_eq!(Frequency::parse("aucune"), Some(Frequency::Never));
        assert_eq!(Frequency::parse("hebdomadaire"), None);
    }
}
