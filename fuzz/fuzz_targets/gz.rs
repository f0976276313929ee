//! Whatever bytes come: unpacking a gzip ends within its limits, and what it takes others unpack to the same text.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the room is taken whole, of which a target uses a part")]

#[path = "../../src/codec/mod.rs"]
mod codec;
mod common;
mod kernel;

use std::io::Read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = codec::Format::detect(bytes);
    let mut text = Vec::new();
    let sink = |part: &[u8]| {
        text.extend_from_slice(part);
        Ok(())
    };
    if codec::unpack(bytes, sink, &common::LIMITS).is_err() {
        return;
    }
    let mut lenient = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut lenient).expect("others unpack what is taken");
    assert!(text == lenient, "others see another text");
    let _ = common::taken(&text, codec::Format::Tar);
});
