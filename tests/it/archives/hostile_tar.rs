//! Tars that lie, each in one way; the same archive without the lie is taken.

use navette::{codec::CodePage, domain::archives::Rules};

use super::{basis, codes, codes_by, keeps_its_limits, rules};
use crate::kit::archive::{
    manifest_text,
    tar::{Header, entry, file, pax, tar},
};

fn sound() -> Vec<Vec<u8>> {
    let (manifest, text) = basis();
    vec![file("manifest.json", &manifest), file("a.txt", text)]
}

/// The sound archive with more in it.
fn and(parts: &[Vec<u8>]) -> Vec<u8> {
    tar(&[&sound()[..], parts].concat())
}

fn kind(kind: u8) -> Vec<u8> {
    entry(
        &Header::new(b"b", kind, 0).with(157, "../../etc/passwd"),
        b"",
    )
}

#[test]
fn the_sound_archive_is_taken_with_folders_and_points_and_padding() {
    assert_eq!(codes(&tar(&sound())), [""; 0]);
    let (manifest, text) = basis();
    let pointed = [
        entry(&Header::new(b"./", b'5', 0), b""),
        file("./manifest.json", &manifest),
        file("./a.txt", text),
    ];
    assert_eq!(codes(&tar(&pointed)), [""; 0]);
    let padded = [tar(&sound()), vec![0; 10_240]].concat();
    assert_eq!(codes(&padded), [""; 0]);
    let sticky = entry(&Header::new(b"lot/", b'5', 0).with(100, "0002755\0"), b"");
    assert_eq!(codes(&and(&[sticky])), [""; 0]);
}

#[test]
fn what_is_not_a_plain_file_is_refused() {
    for link in [b'1', b'2'] {
        assert_eq!(codes(&and(&[kind(link)])), ["link-entry"]);
    }
    for device in [b'3', b'4', b'6'] {
        assert_eq!(codes(&and(&[kind(device)])), ["device-entry"]);
    }
    for special in [b'7', b'D', b'V', b'Z', b'N'] {
        assert_eq!(
            codes(&and(&[kind(special)])),
            ["special-entry"],
            "{special}"
        );
    }
    assert_eq!(codes(&and(&[kind(b'M')])), ["multi-volume"]);
    assert_eq!(codes(&and(&[kind(b'S')])), ["sparse-entry"]);
    for mode in ["0004755\0", "0002644\0", "0001644\0"] {
        let privileged = entry(&Header::new(b"b", b'0', 0).with(100, mode), b"");
        assert_eq!(codes(&and(&[privileged])), ["setuid-entry"], "{mode}");
    }
}

#[test]
fn a_file_that_is_a_folder_too_is_refused() {
    for name in ["a.txt/", "a.txt/b/", "A.txt/b/c/"] {
        let folder = entry(&Header::new(name.as_bytes(), b'5', 0), b"");
        assert_eq!(codes(&and(&[folder])), ["duplicate-name"], "{name}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused_wherever_they_stand() {
    for name in ["../b", "/b", "a/../../b", "a\\b", "c:b"] {
        assert_eq!(codes(&and(&[file(name, b"x")])), ["unsafe-path"], "{name}");
        let by_pax = [pax(b'x', &[("path", name)]), file("b", b"x")];
        assert_eq!(codes(&and(&by_pax)), ["unsafe-path"], "{name} by pax");
        let by_gnu = [
            entry(
                &Header::new(b"././@LongLink", b'L', name.len() as u64),
                name.as_bytes(),
            ),
            file("b", b"x"),
        ];
        assert_eq!(codes(&and(&by_gnu)), ["unsafe-path"], "{name} by gnu");
    }
    let prefixed = entry(&Header::new(b"b", b'0', 1).with(345, ".."), b"x");
    assert_eq!(codes(&and(&[prefixed])), ["unsafe-path"]);
    let zero = [
        entry(&Header::new(b"././@LongLink", b'L', 4), b"a\0b\0"),
        file("b", b"x"),
    ];
    assert_eq!(codes(&and(&zero)), ["unsafe-path"]);
}

#[test]
fn two_names_that_some_system_takes_for_one_are_refused() {
    for name in ["a.txt", "A.txt", "./a.txt", "a.txt/b"] {
        assert_eq!(
            codes(&and(&[file(name, b"x")])),
            ["duplicate-name"],
            "{name}"
        );
    }
}

#[test]
fn long_names_are_capped_before_they_are_read() {
    let header = Header::new(b"././@LongLink", b'L', 50_000_000);
    assert_eq!(codes(&and(&[entry(&header, b"x")])), ["name-too-long"]);
    let pax_long = [pax(b'x', &[("path", &"n".repeat(5000))]), file("b", b"x")];
    assert_eq!(codes(&and(&pax_long)), ["name-too-long"]);
    let header = Header::new(b"PaxHeaders/x", b'x', 50_000_000);
    assert_eq!(codes(&and(&[entry(&header, b"x")])), ["malformed"]);
}

#[test]
fn two_headers_that_say_otherwise_are_refused() {
    let (_, text) = basis();
    let sized = |told: &str| {
        let parts = [
            file("manifest.json", &manifest_text(&["a.txt"])),
            pax(b'x', &[("size", told)]),
            file("a.txt", text),
        ];
        codes(&tar(&parts))
    };
    assert_eq!(sized(&text.len().to_string()), [""; 0]);
    assert_eq!(sized("0"), ["false-size"]);
    assert_eq!(sized("1000"), ["false-size"]);
    for bad in ["-1", "x", "99999999999999999999999"] {
        assert_eq!(sized(bad), ["malformed"], "{bad}");
    }
    let long = |name: &str| {
        entry(
            &Header::new(b"././@LongLink", b'L', name.len() as u64),
            name.as_bytes(),
        )
    };
    let cases: [Vec<Vec<u8>>; 7] = [
        vec![pax(b'x', &[("path", "b")]), long("c"), file("d", b"x")],
        vec![long("c"), pax(b'x', &[("path", "b")]), file("d", b"x")],
        vec![long("c"), long("b"), file("d", b"x")],
        vec![
            pax(b'x', &[("mtime", "1")]),
            pax(b'x', &[("path", "b")]),
            file("d", b"x"),
        ],
        vec![pax(b'x', &[("path", "b"), ("path", "c")]), file("d", b"x")],
        vec![pax(b'g', &[("path", "b")]), file("d", b"x")],
        vec![pax(b'x', &[("path", "b")])],
    ];
    for (place, parts) in cases.iter().enumerate() {
        assert_eq!(codes(&and(parts)), ["malformed"], "case {place}");
    }
    for key in ["GNU.sparse.major", "GNU.sparse.realsize", "SCHILY.realsize"] {
        let sparse = [pax(b'x', &[(key, "1")]), file("d", b"x")];
        assert_eq!(codes(&and(&sparse)), ["sparse-entry"], "{key}");
    }
    let comment = [pax(b'g', &[("comment", "a commit")])];
    assert_eq!(codes(&and(&comment)), [""; 0]);
}

#[test]
fn the_end_is_two_blocks_of_zeros_and_nothing_after() {
    let whole = tar(&sound());
    assert_eq!(codes(&[&whole[..], b"x"].concat()), ["trailing-bytes"]);
    assert_eq!(
        codes(&[&whole[..], &file("b", b"x")].concat()),
        ["trailing-bytes"]
    );
    assert_eq!(codes(&whole[..whole.len() - 512]), ["truncated"]);
    assert_eq!(codes(&whole[..whole.len() - 1024]), ["truncated"]);
    for length in (512..whole.len() - 1).step_by(101) {
        assert_eq!(codes(&whole[..length]), ["truncated"], "cut at {length}");
    }
    let lone = [&sound()[..], &[vec![0; 512], file("b", b"x")]].concat();
    assert_eq!(codes(&tar(&lone)), ["trailing-bytes"]);
}

#[test]
fn a_header_with_a_false_checksum_or_a_false_size_is_refused() {
    let mut bytes = file("b", b"x");
    bytes[0] ^= 1;
    assert_eq!(codes(&and(&[bytes])), ["malformed"]);
    let negative = {
        let mut header = Header::new(b"b", b'0', 0);
        header.0[124..136].fill(0xFF);
        entry(&header, b"")
    };
    assert_eq!(codes(&and(&[negative])), ["malformed"]);
    let huge = entry(&Header::new(b"b", b'0', 0).with(124, "77777777777\0"), b"");
    assert_eq!(codes(&and(&[huge])), ["truncated"]);
    let mut largest = Header::new(b"b", b'0', 0);
    largest.0[124..136].copy_from_slice(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(codes(&and(&[entry(&largest, b"")])), ["truncated"]);
}

#[test]
fn a_header_that_some_readers_take_for_another_format_is_refused() {
    let long = |version: &str| Header::new(b"././@LongLink", b'L', 1).with(257, version);
    for version in ["ustar \0oo", "ustar\x0011", "\0\0\0\0\0\0\0\0", "star 012"] {
        let parts = [entry(&long(version), b"b"), file("c", b"x")];
        assert_eq!(codes(&and(&parts)), ["malformed"], "{version:?}");
    }
    let parts = [entry(&long("ustar  \0"), b"b"), file("c", b"x")];
    assert_eq!(codes(&and(&parts)), ["undeclared-file"]);
    let old = entry(
        &Header::new(b"b", b'0', 1).with(257, "\0\0\0\0\0\0\0\0"),
        b"x",
    );
    assert_eq!(codes(&and(&[old])), ["undeclared-file"]);
}

#[test]
fn a_name_in_utf8_is_one_whatever_the_page_of_the_flow() {
    let name = "re\u{e7}u.txt";
    let page = |code_page, raw: &[u8]| {
        let rules = Rules {
            code_page,
            ..rules()
        };
        let parts = [
            file("manifest.json", &manifest_text(&[name])),
            entry(&Header::new(raw, b'0', 1), b"x"),
        ];
        codes_by(&tar(&parts), &rules)
    };
    assert_eq!(page(CodePage::Cp437, name.as_bytes()), [""; 0]);
    assert_eq!(page(CodePage::Cp1252, b"re\xe7u.txt"), [""; 0]);
    assert_eq!(page(CodePage::Cp850, b"re\x87u.txt"), [""; 0]);
}

#[test]
fn limits_are_kept() {
    keeps_its_limits(&tar(&sound()));
}

#[test]
fn a_damaged_content_of_a_tar_is_told_by_its_announced_hash() {
    let text = String::from_utf8(manifest_text(&["a.txt"])).unwrap();
    let hash = r#""mediaType":"text/plain","hash":{"algorithm":"SHA-256","value":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#;
    let text = text.replace(r#""mediaType":"text/plain""#, hash);
    let archive = |content: &[u8]| {
        codes(&tar(&[
            file("manifest.json", text.as_bytes()),
            file("a.txt", content),
        ]))
    };
    assert_eq!(archive(b"test"), [""; 0]);
    assert_eq!(archive(b"tesT"), ["hash-mismatch"]);
}
