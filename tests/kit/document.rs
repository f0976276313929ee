//! Documents made to measure: a valid one-page PDF around bytes that do not compress.

/// A PDF that differs from those of other labels, a kilobyte long.
pub fn small(label: &str) -> Vec<u8> {
    pdf(label, 1024)
}

/// A PDF of exactly `size` bytes, with `label` in a comment on its second line.
pub fn pdf(label: &str, size: usize) -> Vec<u8> {
    let frame = assemble(label, &[]).len();
    let filler = noise(size.checked_sub(frame).expect("a PDF has a minimum"));
    assemble(label, &filler)
}

/// Every number has a fixed width, so that the frame's length does not depend on the filler's.
fn assemble(label: &str, filler: &[u8]) -> Vec<u8> {
    let mut out = format!("%PDF-1.7\n% {label}\n").into_bytes();
    let mut offsets = Vec::new();
    for (number, object) in objects(filler).iter().enumerate() {
        offsets.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", number + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let table = out.len();
    out.extend_from_slice(b"xref\n0 5\n0000000000 65535 f \n");
    for offset in offsets {
        out.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n{table:010}\n%%EOF\n");
    out.extend_from_slice(trailer.as_bytes());
    out
}

fn objects(filler: &[u8]) -> [Vec<u8>; 4] {
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 4 0 R>>";
    let mut stream = format!("<</Length {:010}>>\nstream\n", filler.len()).into_bytes();
    stream.extend_from_slice(filler);
    stream.extend_from_slice(b"\nendstream");
    [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        page.as_bytes().to_vec(),
        stream,
    ]
}

/// The same bytes on every run (xorshift).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut step)
        .flatten()
        .take(len)
        .collect()
}
