//! Whatever bytes come: the walk of a tar ends, and what it takes a lenient reader sees in the same way.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the room is taken whole, of which a target uses a part")]

#[path = "../../src/codec/mod.rs"]
mod codec;
mod common;
mod kernel;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(directory) = common::taken(bytes, codec::Format::Tar) else {
        return;
    };
    let mut lenient = tar::Archive::new(bytes);
    let entries = lenient.entries().expect("what is taken can be opened by others");
    let mut sizes = Vec::new();
    for entry in entries {
        // One that does not read it at all is not misled.
        let Ok(entry) = entry else { return };
        let name = entry.path_bytes();
        let is_folder = entry.header().entry_type().is_dir() || name.ends_with(b"/") || &*name == b".";
        let is_global = entry.header().entry_type().is_pax_global_extensions();
        if !is_folder && !is_global {
            sizes.push(entry.size());
        }
    }
    let own: Vec<_> = directory.entries.iter().map(|entry| entry.size).collect();
    assert_eq!(own, sizes, "others see other files");
});
