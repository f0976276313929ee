//! An archive that several readers read at once, each with a place of its own.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek},
    path::Path,
};

/// Whoever gives readers over one archive that does not change meanwhile.
pub trait Source: Sync {
    /// A reader of its own.
    type Reader: Read + Seek + Send;

    /// A fresh reader, at the beginning.
    fn reader(&self) -> io::Result<Self::Reader>;
}

impl Source for Path {
    type Reader = File;

    fn reader(&self) -> io::Result<File> {
        File::open(self)
    }
}

impl Source for Vec<u8> {
    type Reader = Cursor<Vec<u8>>;

    fn reader(&self) -> io::Result<Self::Reader> {
        Ok(Cursor::new(self.clone()))
    }
}

impl<R: Read + Seek + Send, F: Fn() -> io::Result<R> + Sync> Source for F {
    type Reader = R;

    fn reader(&self) -> io::Result<R> {
        self()
    }
}
