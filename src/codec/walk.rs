//! One walk for every format.

use std::io::{Read, Seek};

use super::{
    directory::{Directory, Gathering},
    entry::{Entry, Method, Place},
    finding::Refusal,
    format::Format,
    limits::Limits,
    names::CodePage,
    tar,
    window::Window,
    zip,
};

impl Directory {
    /// Walks the structure of `source`, a whole zip or tar, or the unpacked text of a `tar.gz` or `gz`; no content is
    /// inflated. The one file of a `gz` has no name of its own: it is called [`Directory::ONLY`].
    ///
    /// Fails with every finding at once, as far as the structure lets one go on, or because the source does not answer.
    pub fn read<R: Read + Seek>(
        source: &mut Window<R>,
        format: Format,
        limits: &Limits,
        code_page: CodePage,
    ) -> Result<Self, Refusal> {
        let gathering = Gathering::new(limits, code_page);
        match format {
            Format::Zip => zip::walk(source, gathering),
            Format::Tar | Format::TarGz => tar::walk(source, gathering),
            Format::Gz => Ok(only(source.length())),
        }
    }

    /// The name of the one file of a `gz`.
    pub const ONLY: &str = "contenu";
}

fn only(size: u64) -> Directory {
    let place = Place {
        offset: 0,
        length: size,
        method: Method::Stored,
    };
    let entry = Entry {
        name: Directory::ONLY.into(),
        raw: None,
        size,
        place,
        crc32: None,
    };
    Directory {
        entries: vec![entry],
        folders: 0,
        bytes: size,
    }
}
