//! A file on its way in (R14): streamed into a blob, compared with what was announced, looked at, and put in its place.
//!
//! Nothing is written before the last byte: a body that is cut leaves the attachment as it was. What is not the announced
//! file makes the attachment `REJECTED`, and the caller is told everything that is wrong with it. The file that was there before
//! is given up in the same transaction, and its blob removed behind it.

use uuid::Uuid;

use super::{
    Scanner, Status,
    target::Target,
    written::{Placing, Rejection},
};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        ged::purge::removal,
        hubee::{Refusal, Result},
        processing::sniff,
    },
    kernel::{
        digest::Sha256,
        failpoint,
        fault::{Code, Fault},
    },
    storage::exchanges::DocumentRow,
    vault::{self, BlobWriter, Stored},
};

/// The role of a hub's file among documents.
pub const ROLE: &str = "attachment";

/// The digest that a request's head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// None.
    Unsaid,
    /// SHA-256.
    Sha256(Sha256),
    /// Something that is no SHA-256: no file has it.
    Unreadable,
}

/// A file that is coming in. Dropped before [`Upload::finish`], it leaves nothing.
pub struct Upload {
    target: Target,
    digest: Digest,
    received: u64,
    /// Gone once more came than was announced.
    writer: Option<BlobWriter>,
    prefix: Vec<u8>,
    key_id: Uuid,
    wrapped_key: Vec<u8>,
}

impl Upload {
    /// Opens the blob that the file will stream into.
    pub async fn open(ctx: &Context, target: Target, digest: Digest) -> Result<Self> {
        let keys = ctx.keyring.project(HUB).await?;
        let (key, wrapped_key) = keys.fresh(&ctx.entropy)?;
        Ok(Self {
            writer: Some(ctx.vault.create(&key, false)?),
            key_id: keys.id,
            target,
            digest,
            received: 0,
            prefix: Vec::new(),
            wrapped_key,
        })
    }

    /// Adds bytes of the file. Once more came than was announced, they are counted and forgotten; the first ones still tell its
    /// type.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.received += bytes.len() as u64;
        if self.received > self.target.attachment.size {
            self.give_up();
        }
        match &mut self.writer {
            Some(writer) => writer.write(bytes).await?,
            None => vault::keep_prefix(&mut self.prefix, bytes),
        }
        Ok(())
    }

    /// Forgets what was stored, but for its first bytes.
    fn give_up(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.prefix = writer.prefix().to_vec();
        }
    }

    /// Refuses a body that goes on beyond all that the hub takes.
    pub async fn refuse_endless(mut self, ctx: &Context) -> Refusal {
        self.give_up();
        let size = self.target.attachment.size;
        let fault = format!(
            "File size is more than {} and does not match its meta-data {size}",
            self.received
        );
        self.reject(ctx, vec![fault]).await
    }

    /// Puts the file in its place, durably, once the antivirus has spoken or is known to be silent. Fails with
    /// [`Refusal::Bad`] where it is not the announced one, or where its folder or event was completed meanwhile.
    ///
    /// To be run in a task of its own: a client that hangs up must change nothing from here on.
    pub async fn finish(mut self, ctx: &Context, scanner: &Scanner) -> Result<()> {
        let stored = match self.writer.take() {
            Some(writer) => Some(writer.finish().await?),
            None => None,
        };
        let faults = self.faults(stored.as_ref());
        match stored {
            Some(stored) if faults.is_empty() => self.take_in(ctx, scanner, stored).await,
            stored => {
                if let Some(stored) = stored {
                    ctx.vault.remove(stored.id).await?;
                }
                Err(self.reject(ctx, faults).await)
            }
        }
    }

    /// Everything in which the file is not the announced one.
    fn faults(&self, stored: Option<&Stored>) -> Vec<String> {
        let announced = &self.target.attachment;
        let mut faults = Vec::new();
        if self.received != announced.size {
            let (received, size) = (self.received, announced.size);
            faults.push(format!(
                "File size {received} does not match its meta-data {size}"
            ));
        }
        let prefix = stored.map_or(&self.prefix[..], |stored| &stored.prefix[..]);
        let found = sniff::compare(prefix, &announced.mime_type);
        if self.received > 0 && !found.agrees {
            let actual = found.actual.as_deref().unwrap_or("unknown");
            let declared = &announced.mime_type;
            faults.push(format!(
                "File content is {actual} and does not match its mime type {declared}"
            ));
        }
        let sha256 = stored.map(|stored| stored.digests.sha256);
        if !self.digest.agrees(sha256) {
            faults.push("File content does not match the digest header".to_owned());
        }
        faults
    }

    /// Records the refusal, and says it. Where the attachment is not to be touched any more, says that instead.
    async fn reject(self, ctx: &Context, faults: Vec<String>) -> Refusal {
        metrics::counter!("navette_hub_uploads_total", "outcome" => "rejected").increment(1);
        let rejection = Rejection::prepare(ctx, self.target);
        let written = match rejection {
            Ok(rejection) => rejection.write(ctx).await,
            Err(fault) => Err(fault.into()),
        };
        match written {
            Ok(replaced) => {
                removal::at_once(ctx, replaced).await;
                Refusal::Bad(faults)
            }
            Err(refusal) => refusal,
        }
    }

    async fn take_in(self, ctx: &Context, scanner: &Scanner, stored: Stored) -> Result<()> {
        let blob = stored.id;
        let placed = self.place(ctx, scanner, stored).await;
        let status = match placed {
            Ok(status) => status,
            Err(refusal) => {
                discard(ctx, blob, &refusal).await;
                return Err(refusal);
            }
        };
        let outcome = status.as_str().to_lowercase();
        metrics::counter!("navette_hub_uploads_total", "outcome" => outcome).increment(1);
        if status == Status::Scanning {
            ctx.bell.notify_one();
        }
        Ok(())
    }

    async fn place(self, ctx: &Context, scanner: &Scanner, stored: Stored) -> Result<Status> {
        let document = self.document(ctx, &stored);
        let said = scanner.look(ctx, &document).await?;
        let placing = Placing::prepare(ctx, self.target, document, said)?;
        let status = placing.status();
        failpoint::hit("attachment.before-commit");
        let replaced = placing.write(ctx).await?;
        failpoint::hit("attachment.after-commit");
        removal::at_once(ctx, replaced).await;
        Ok(status)
    }

    fn document(&self, ctx: &Context, stored: &Stored) -> DocumentRow {
        let announced = &self.target.attachment;
        DocumentRow {
            id: stored.id,
            exchange_id: announced.folder_id,
            owner: announced.owner.clone(),
            role: ROLE.to_owned(),
            file_name: None,
            media_type: announced.mime_type.clone(),
            size: stored.size,
            sha256: stored.digests.sha256,
            key_id: self.key_id,
            wrapped_key: self.wrapped_key.clone(),
            created_at: ctx.clock.now(),
            piece_id: None,
            container: None,
        }
    }
}

impl Digest {
    /// Reads the header (R14): base64 of a SHA-256, bare or behind `SHA-256=`, alone or among others.
    pub fn read(text: Option<&str>) -> Self {
        let Some(text) = text else {
            return Self::Unsaid;
        };
        let values = text.split(',').map(str::trim);
        let mut values = values.map(|value| strip_name(value).unwrap_or(value));
        values
            .find_map(decoded)
            .map_or(Self::Unreadable, Self::Sha256)
    }

    fn agrees(self, sha256: Option<Sha256>) -> bool {
        match self {
            Self::Unsaid => true,
            // Of a file that is too long, nothing is known.
            Self::Sha256(announced) => sha256.is_none_or(|sha256| sha256 == announced),
            Self::Unreadable => false,
        }
    }
}

fn strip_name(value: &str) -> Option<&str> {
    let (name, rest) = value.split_at_checked("sha-256=".len())?;
    name.eq_ignore_ascii_case("sha-256=").then_some(rest)
}

fn decoded(text: &str) -> Option<Sha256> {
    let bytes = data_encoding::BASE64.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// Removes the blob of a file that was certainly not recorded. Where the outcome is unknown, only the sweep can tell.
async fn discard(ctx: &Context, blob: Uuid, refusal: &Refusal) {
    let unknown = |fault: &Fault| fault.code() == Code::Unavailable;
    if matches!(refusal, Refusal::Fault(fault) if unknown(fault)) {
        return;
    }
    if let Err(error) = ctx.vault.remove(blob).await {
        tracing::warn!(%blob, %error, "the blob of a refused file is left to the sweep");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R14: the digest is read bare, as `SHA-256=…`, and among others.
    #[test]
    fn a_digest_is_read_bare_and_named() {
        let (sha256, text) = ([7; 32], data_encoding::BASE64.encode(&[7; 32]));
        for header in [
            text.clone(),
            format!("SHA-256={text}"),
            format!("sha-256={text}"),
            format!("MD5=AAAA, SHA-256={text}"),
            format!("  {text} "),
        ] {
            assert_eq!(
                Digest::read(Some(&header)),
                Digest::Sha256(sha256),
                "{header}"
            );
        }
        for header in ["", "x", "SHA-256=", "MD5=AAAA", "é", &text[1..]] {
            assert_eq!(Digest::read(Some(header)), Digest::Unreadable, "{header}");
        }
        assert_eq!(Digest::read(None), Digest::Unsaid);
        assert!(!Digest::Unreadable.agrees(Some(sha256)));
    }
}
