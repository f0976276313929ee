//! Archives made by the programs that partners use, accents in names and all: every one is taken.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use navette::codec::{CodePage, Directory, Format, Limits, Window};
use serde_json::Value;

use super::{checked, rules};
use crate::kit::{archive, process, scratch};

/// Files of a lot, with the names that make trouble.
const NAMES: [&str; 5] = [
    "simple.txt",
    "pi\u{e8}ces/re\u{e7}u d'\u{e9}t\u{e9}.txt",
    "pi\u{e8}ces/\u{20ac} \u{153}uvre.txt",
    "un dossier/dans un autre/a.txt",
    "un nom tr\u{e8}s long/0123456789012345678901234567890123456789012345678901234567890123456789/0123456789012345678901234567890123456789012345678901234567890123456789.txt",
];

/// A folder of these files and their manifest.
fn lot() -> PathBuf {
    let folder = scratch::fresh("lot");
    for name in NAMES {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("les mots de {name}\n").repeat(200)).unwrap();
    }
    fs::write(folder.join("manifest.json"), archive::manifest_text(&NAMES)).unwrap();
    folder
}

/// Runs a shell command in the lot, with `$OUT` the archive to make; the archive.
fn made(command: &str, name: &str) -> Vec<u8> {
    let out = scratch::fresh("made").join(name);
    shell(command, &lot(), &out);
    fs::read(out).unwrap()
}

fn shell(command: &str, folder: &Path, out: &Path) {
    let mut shell = Command::new("sh");
    shell
        .args(["-ec", command])
        .current_dir(folder)
        .env("OUT", out);
    shell.env("LC_ALL", "C.UTF-8");
    process::run(&shell, 120).succeeded();
}

/// Checks a plain zip or tar.
#[track_caller]
fn taken(bytes: &[u8], by: &str) {
    let found = checked(bytes, &rules());
    assert!(found.is_sound(), "{by}: {:?}", found.flaws);
    assert_eq!(found.files.len(), NAMES.len(), "{by}");
}

/// Checks what each of these commands makes under that name.
#[track_caller]
fn all_taken(name: &str, commands: &[&str]) {
    for command in commands {
        taken(&made(command, name), command);
    }
}

/// Checks any archive by the command.
#[track_caller]
fn taken_by_command(out: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    command
        .args(["archive", "check", "--json"])
        .arg(out)
        .current_dir(out.parent().unwrap());
    let said = process::run(&command, 60).succeeded();
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["files"], NAMES.len(), "{report}");
}

#[test]
fn zips_of_info_zip() {
    all_taken(
        "lot.zip",
        &[
            "zip -qr \"$OUT\" .",
            "zip -qr -0 \"$OUT\" .",
            "zip -qr -9 -D \"$OUT\" .",
            // Long sizes though nobody needs them; streams, whose sizes come behind.
            "zip -qr -fz \"$OUT\" .",
            "zip -qr -fd \"$OUT\" .",
            "zip -qr - . | cat > \"$OUT\"",
            "zip -qr -z \"$OUT\" . < manifest.json",
            // Names in UTF-8 without its flag, beside those in the old code page.
            "zip -qr -UN=e \"$OUT\" . || zip -qr \"$OUT\" .",
            "zip -qr \"$OUT\" . && zip -q -d \"$OUT\" simple.txt && zip -q \"$OUT\" simple.txt",
        ],
    );
}

#[test]
fn zips_of_7_zip() {
    all_taken(
        "lot.zip",
        &[
            "7z a -bso0 -bsp0 \"$OUT\" ./*",
            "7z a -bso0 -bsp0 -mm=Copy \"$OUT\" ./*",
            "7z a -bso0 -bsp0 -mx=9 -mcu=on \"$OUT\" ./*",
            "7z a -bso0 -bsp0 -tzip -mtc=on \"$OUT\" .",
        ],
    );
}

#[test]
fn archives_of_bsdtar() {
    all_taken(
        "lot.zip",
        &[
            "bsdtar -cf \"$OUT\" --format zip .",
            "bsdtar -cf \"$OUT\" --format zip --options zip:compression=store *",
            "bsdtar -cf - --format zip . | cat > \"$OUT\"",
            // Names in UTF-8 that nothing says are.
            "LC_ALL=C bsdtar -cf \"$OUT\" --format zip --options zip:hdrcharset=BINARY . || bsdtar -cf \"$OUT\" --format zip .",
        ],
    );
    all_taken(
        "lot.tar",
        &[
            "bsdtar -cf \"$OUT\" --format pax .",
            "bsdtar -cf \"$OUT\" --format ustar simple.txt pi* manifest.json un\\ dossier un\\ nom*",
            "bsdtar -cf \"$OUT\" --format gnutar .",
            "bsdtar -cf \"$OUT\" --format pax *",
            "LC_ALL=C bsdtar -cf \"$OUT\" --format pax .",
        ],
    );
}

#[test]
fn tars_of_gnu_tar() {
    for format in ["pax", "gnu", "ustar", "oldgnu", "posix"] {
        let command = format!("tar -cf \"$OUT\" --format {format} .");
        taken(&made(&command, "lot.tar"), &command);
        let command = format!(
            "tar -cf \"$OUT\" --format {format} --owner 'someone' --group root --numeric-owner *"
        );
        taken(&made(&command, "lot.tar"), &command);
    }
    let command = "tar -cf \"$OUT\" --format pax --xattrs --acls .";
    taken(&made(command, "lot.tar"), command);
    let command = "tar -cf \"$OUT\" -b 1 . && tar -tf \"$OUT\" > /dev/null";
    taken(&made(command, "lot.tar"), command);
}

#[test]
fn archives_of_python() {
    let zipped = "import os, sys, zipfile, shutil
out = os.environ['OUT']
names = sorted(os.path.relpath(os.path.join(d, f)) for d, _, fs in os.walk('.') for f in fs)
";
    for (script, name) in [
        (
            "z = zipfile.ZipFile(out, 'w')\nfor n in names: z.write(n)\nz.close()",
            "lot.zip",
        ),
        (
            "z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED)\nfor n in names: z.writestr(n, open(n, 'rb').read())\nz.close()",
            "lot.zip",
        ),
        (
            "z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED)\nfor n in names:\n  with z.open(n, 'w', force_zip64=True) as f: f.write(open(n, 'rb').read())\nz.close()",
            "lot.zip",
        ),
        // To a stream that cannot seek.
        (
            "class S:\n  def __init__(s, f): s.f = f\n  def write(s, b): return s.f.write(b)\n  def flush(s): s.f.flush()\nf = open(out, 'wb')\nz = zipfile.ZipFile(S(f), 'w', zipfile.ZIP_DEFLATED)\nfor n in names: z.write(n)\nz.close(); f.close()",
            "lot.zip",
        ),
        (
            "z = zipfile.ZipFile(out, 'w')\nz.write(names[0])\nz.close()\nz = zipfile.ZipFile(out, 'a', zipfile.ZIP_DEFLATED)\nfor n in names[1:]: z.write(n)\nz.close()",
            "lot.zip",
        ),
        ("shutil.make_archive(out[:-4], 'zip', '.')", "lot.zip"),
        (
            "import tarfile\nt = tarfile.open(out, 'w', format=tarfile.PAX_FORMAT)\nt.add('.')\nt.close()",
            "lot.tar",
        ),
        (
            "import tarfile\nt = tarfile.open(out, 'w', format=tarfile.GNU_FORMAT)\nfor n in names: t.add(n)\nt.close()",
            "lot.tar",
        ),
        (
            "import tarfile\nt = tarfile.open(out, 'w', format=tarfile.USTAR_FORMAT)\nfor n in names: t.add(n)\nt.close()",
            "lot.tar",
        ),
        ("shutil.make_archive(out[:-4], 'tar', '.')", "lot.tar"),
    ] {
        let command =
            format!("cat > ../make.py <<'END'\n{zipped}{script}\nEND\npython3 ../make.py");
        taken(&made(&command, name), script);
    }
}

#[test]
fn archives_of_javas_jar() {
    all_taken(
        "lot.jar",
        &[
            "jar --create --file \"$OUT\" .",
            "jar --create --no-manifest --file \"$OUT\" .",
            "jar --create --no-compress --no-manifest --file \"$OUT\" .",
            "jar -cfM \"$OUT\" simple.txt && jar -ufM \"$OUT\" .",
        ],
    );
}

#[test]
fn packed_tars_of_every_packer() {
    for (command, name) in [
        ("tar -czf \"$OUT\" .", "lot.tar.gz"),
        ("tar -cf - --format pax . | gzip -9 > \"$OUT\"", "lot.tgz"),
        ("bsdtar -czf \"$OUT\" .", "lot.tar.gz"),
        (
            "python3 -c \"import os, tarfile; t = tarfile.open(os.environ['OUT'], 'w:gz'); t.add('.'); t.close()\"",
            "lot.tar.gz",
        ),
        (
            "tar -cf ../lot.tar . && 7z a -bso0 -bsp0 \"$OUT\" ../lot.tar",
            "lot.tar.gz",
        ),
        // Told by content, not by name.
        ("tar -czf \"$OUT\" .", "lot.zip"),
        ("zip -qr ../lot.zip . && mv ../lot.zip \"$OUT\"", "lot.tar"),
    ] {
        let out = scratch::fresh("made").join(name);
        shell(command, &lot(), &out);
        taken_by_command(&out);
    }
}

#[test]
fn a_zip_of_more_than_65_535_entries_is_read() {
    let script = "import os, zipfile
z = zipfile.ZipFile(os.environ['OUT'], 'w')
for n in range(70000): z.writestr(f'{n}.txt', b'x')
z.close()";
    let out = scratch::fresh("made").join("many.zip");
    let folder = scratch::fresh("many");
    shell(&format!("python3 -c \"{script}\""), &folder, &out);
    let found = checked(&fs::read(&out).unwrap(), &rules());
    // Its structure is sound: what is missing is the manifest alone.
    let codes: Vec<_> = found
        .flaws
        .iter()
        .map(|flaw| flaw.finding.code.as_str())
        .collect();
    assert_eq!(
        (codes, found.directory.entries.len()),
        (vec!["manifest-missing"], 70_000)
    );
}

/// The file is a hole, so that it takes no room; headers, sizes and checksum are Python's.
#[test]
fn a_zip_of_a_stored_file_over_4_gib_is_read_with_what_lies_behind_it() {
    let script = "import os, zipfile
HOLE = bytes(1 << 26)
class Sparse:
  def __init__(self, path): self.file = open(path, 'wb')
  def __getattr__(self, name): return getattr(self.file, name)
  def write(self, data):
    if data is not HOLE: return self.file.write(data)
    self.file.seek(len(data), 1)
    return len(data)
file = Sparse(os.environ['OUT'])
z = zipfile.ZipFile(file, 'w')
with z.open('zeros.bin', 'w', force_zip64=True) as entry:
  for _ in range(65): entry.write(HOLE)
z.writestr('after.txt', b'after it')
z.close()
file.close()";
    let out = scratch::fresh("made").join("large.zip");
    shell(
        &format!("python3 -c \"{script}\""),
        &scratch::fresh("none"),
        &out,
    );
    let mut source = Window::new(fs::File::open(&out).unwrap()).unwrap();
    let found = Directory::read(&mut source, Format::Zip, &Limits::default(), CodePage::Auto)
        .expect("a sound structure");
    let sizes: Vec<_> = found
        .entries
        .iter()
        .map(|entry| (&*entry.name, entry.size))
        .collect();
    assert_eq!(sizes, [("zeros.bin", 65 << 26), ("after.txt", 8)]);
    for entry in &found.entries {
        let read = io::copy(&mut entry.open(&mut source), &mut io::sink());
        assert_eq!(read.expect("the checksum of Python"), entry.size);
    }
    fs::remove_file(out).unwrap();
}
