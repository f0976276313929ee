//! A reader that lets so much through for one object of a manifest, however long the whole is.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// The most bytes of one object: a piece, or the fields of a dossier. The metadata of a piece sent alone have 64 KiB.
pub(super) const MOST: u64 = 1 << 20;

/// What is left for the object that is being read.
#[derive(Clone)]
pub(super) struct Meter(Rc<Cell<u64>>);

impl Default for Meter {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MOST)))
    }
}

impl Meter {
    /// The next object begins.
    pub fn reset(&self) {
        self.0.set(MOST);
    }

    /// Counts bytes that were read; fails once they are too many for one object.
    pub fn count(&self, bytes: usize) -> io::Result<()> {
        match self.0.get().checked_sub(bytes as u64) {
            Some(left) => self.0.set(left),
            None => return Err(Unfit::error(TOO_LONG)),
        }
        Ok(())
    }
}

/// A reader under a meter.
pub(super) struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R> Metered<R> {
    pub fn new(inner: R, meter: Meter) -> Self {
        Self { inner, meter }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(into)?;
        self.meter.count(bytes)?;
        Ok(bytes)
    }
}

/// What is said of a longer one.
pub(super) const TOO_LONG: &str = "Un objet du manifeste dépasse un mébioctet.";

/// What a reader in between says against the text itself.
#[derive(Debug)]
pub(super) struct Unfit(&'static str);

impl Unfit {
    /// As an error of a reader.
    pub fn error(detail: &'static str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Self(detail))
    }

    /// What `error` says against the text, where it does.
    pub fn of(error: &io::Error) -> Option<&'static str> {
        error.get_ref()?.downcast_ref().map(|Self(detail)| *detail)
    }
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unfit {}
