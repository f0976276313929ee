//! Whatever bytes come: the walk of a zip ends, and what it takes a lenient reader sees in the same way.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the room is taken whole, of which a target uses a part")]

#[path = "../../src/codec/mod.rs"]
mod codec;
mod common;
mod kernel;

use std::io::Cursor;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(directory) = common::taken(bytes, codec::Format::Zip) else {
        return;
    };
    let mut lenient = zip::ZipArchive::new(Cursor::new(bytes)).expect("what is taken can be opened by others");
    let files = (0..lenient.len()).filter(|at| lenient.by_index_raw(*at).is_ok_and(|file| !file.is_dir())).count();
    assert_eq!(directory.entries.len(), files, "others see other files");
});
