//! What the targets share.

use std::io::{self, Cursor, Read};

use super::codec::{CodePage, Directory, Format, Limits, Refusal, Window};

/// Small, so that keeping them shows within the fuzzer's own.
pub const LIMITS: Limits = Limits {
    entries: 1000,
    bytes: 32 << 20,
    ratio: 100,
    name: 4096,
    manifest: 1 << 20,
};

/// The directory of bytes that are taken, every file of it read to its proven end. Memory always answers: nothing may be
/// refused because the source did not.
pub fn taken(bytes: &[u8], format: Format) -> Option<Directory> {
    let mut window = Window::new(Cursor::new(bytes)).expect("memory answers");
    let directory = match Directory::read(&mut window, format, &LIMITS, CodePage::Auto) {
        Ok(directory) => directory,
        Err(Refusal::Unsafe(findings)) => {
            assert!(!findings.is_empty(), "a refusal says why");
            return None;
        }
        Err(Refusal::Unreadable(error)) => panic!("memory answers: {error}"),
    };
    assert!(directory.bytes <= LIMITS.bytes && directory.entries.len() as u64 <= LIMITS.entries);
    for entry in &directory.entries {
        let mut content = entry.open(&mut window);
        match io::copy(&mut content.by_ref().take(LIMITS.bytes + 1), &mut io::sink()) {
            Ok(size) => assert_eq!(size, entry.size, "a file of another size"),
            Err(error) => {
                let finding = super::codec::Finding::of(&error);
                assert!(finding.is_some(), "memory answers: {error}");
                return None;
            }
        }
    }
    Some(directory)
}
