//! The digests of a blob while it is written: SHA-256 with the others' ([`super::crew`]), SHA-512 on demand.

use std::{mem, sync::Arc};

use super::{crew::Crew, group::Group, stage::Stage};
use crate::kernel::{
    digest::{Digests, Sha512, blocks::Stream},
    fault::Result,
};

/// What has been hashed of a blob.
pub struct Tally {
    crew: Arc<Crew>,
    sha256: Stream,
    sha512: Option<Sha512>,
}

/// The digests so far, and the group that was added last, to be printed; none before the first.
pub type Hashed = (Tally, Option<Group>);

impl Tally {
    /// An empty one. SHA-512 is computed on demand (API-11).
    pub fn new(crew: Arc<Crew>, with_sha512: bool) -> Self {
        Self {
            crew,
            sha256: Stream::default(),
            sha512: with_sha512.then(Sha512::default),
        }
    }

    /// Whether it is hashed together with others': by [`Tally::begin`]. Otherwise by [`Tally::add`].
    pub fn is_shared(&self) -> bool {
        self.sha512.is_none() && self.crew.is_there()
    }

    /// Has a full group added by the crew, which nobody need wait for.
    pub fn begin(mut self, group: Group) -> Stage<Hashed> {
        let (give, coming) = Stage::taken();
        let (crew, stream) = (Arc::clone(&self.crew), mem::take(&mut self.sha256));
        crew.begin(stream, group, move |stream, group| {
            self.sha256 = stream;
            let _ = give.send(Ok((self, Some(group))));
        });
        coming
    }

    /// Adds a group, and gives it back. Blocks.
    pub fn add(&mut self, group: Group) -> Result<Group> {
        if let Some(sha512) = &mut self.sha512 {
            group.texts().for_each(|text| sha512.update(text));
        }
        let (stream, group) = self.crew.hash(mem::take(&mut self.sha256), group)?;
        self.sha256 = stream;
        Ok(group)
    }

    /// Adds the last group, and gives it back with the digests of all. Blocks.
    pub fn finish(&mut self, group: Group) -> Result<(Digests, Group)> {
        let group = self.add(group)?;
        let digests = Digests {
            sha256: mem::take(&mut self.sha256).finish(group.rest()),
            sha512: self.sha512.take().map(Sha512::finish),
        };
        Ok((digests, group))
    }
}
