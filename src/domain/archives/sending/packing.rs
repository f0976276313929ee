//! The return archive: written entry after entry straight into a sealed blob, in constant memory.

use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;

use crate::{
    codec::stream::{Effort, Form, Writer},
    config::depots::Format,
    domain::{
        Context,
        ged::{
            contained::Bytestream,
            documents::{self, Column},
        },
    },
    kernel::{fault::Result, secret::Key},
    storage::exchanges::{DocumentRow, ExchangeRow},
    vault::BlobWriter,
};
use uuid::Uuid;

/// The name of the entry that holds the return itself.
pub const RETURN: &str = "return.json";
/// How many bytes are gathered before they go to the blob.
const GATHERED: usize = 256 * 1024;

/// A return archive that is being written.
pub struct Packer {
    writer: Writer,
    blob: BlobWriter,
    gathered: usize,
    key_id: Uuid,
    wrapped_key: Vec<u8>,
}

impl Packer {
    /// Begins an archive for `exchange`, under a key of its own.
    pub async fn new(
        ctx: &Context,
        exchange: &ExchangeRow,
        form: Form,
        at: Timestamp,
    ) -> Result<Self> {
        let keys = ctx.keyring.project(&exchange.project).await?;
        let (key, wrapped_key) = keys.fresh(&ctx.entropy)?;
        Ok(Self {
            writer: Writer::new(form, at),
            blob: ctx.vault.create(&key, false)?,
            gathered: 0,
            key_id: keys.id,
            wrapped_key,
        })
    }

    /// Begins an entry of `size` bytes.
    pub fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        self.writer.begin(name, size, Effort::Well)
    }

    /// Adds bytes to the open entry.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.chunks(GATHERED) {
            self.writer.write(piece)?;
            self.gathered += piece.len();
            if self.gathered >= GATHERED {
                self.pass_on().await?;
            }
        }
        Ok(())
    }

    /// Ends the open entry.
    pub fn end(&mut self) -> Result<()> {
        self.writer.end()
    }

    /// Adds an entry whose bytes are at hand.
    pub async fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.begin(name, bytes.len() as u64)?;
        self.write(bytes).await?;
        self.end()
    }

    /// Adds an entry whose bytes come one after the other.
    pub async fn stream(&mut self, name: &str, size: u64, mut bytes: Bytestream) -> Result<()> {
        self.begin(name, size)?;
        while let Some(piece) = bytes.try_next().await? {
            self.write(&piece).await?;
        }
        self.end()
    }

    async fn pass_on(&mut self) -> Result<()> {
        self.gathered = 0;
        let made = Bytes::from(self.writer.take()?);
        self.blob.write(&made).await
    }

    /// Ends the archive and makes it durable. Its row is for the caller's transaction; `name` is its file's.
    pub async fn finish(
        mut self,
        ctx: &Context,
        exchange: &ExchangeRow,
        key: &Key,
        name: &str,
        form: Form,
    ) -> Result<DocumentRow> {
        let rest = Bytes::from(self.writer.finish()?);
        self.blob.write(&rest).await?;
        let stored = self.blob.finish().await?;
        let name = documents::seal_bytes(ctx, key, Column::FileName, name.as_bytes())?;
        Ok(DocumentRow {
            id: stored.id,
            exchange_id: exchange.id,
            owner: exchange.owner.clone(),
            role: "return".to_owned(),
            file_name: Some(name),
            media_type: media_type(form).to_owned(),
            size: stored.size,
            sha256: stored.digests.sha256,
            key_id: self.key_id,
            wrapped_key: self.wrapped_key,
            created_at: ctx.clock.now(),
            piece_id: None,
            container: None,
        })
    }
}

/// What an archive of a flow's format is written as.
pub fn form(format: Format) -> Form {
    match format {
        Format::Zip => Form::Zip,
        Format::Tar => Form::Tar,
        Format::TarGz => Form::TarGz,
    }
}

fn media_type(form: Form) -> &'static str {
    match form {
        Form::Zip => "application/zip",
        Form::Tar => "application/x-tar",
        Form::TarGz => "application/gzip",
    }
}
