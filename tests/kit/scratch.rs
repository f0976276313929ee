//! One directory per test process for everything that the kit puts on disk.
//!
//! It outlives panics and `kill -9` of the tests, but not the process: a small shell holds the reading end of a pipe
//! of ours, and when the pipe closes it stops the databases left there and removes the directory. `KIT_KEEP=1`
//! keeps the files for a look.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Runs until its input closes, which happens at the latest when our process is gone.
const KEEPER: &str = r#"
cat >/dev/null
for file in "$1"/*/data/postmaster.pid; do
  [ -f "$file" ] || continue
  pid=$(head -n 1 "$file")
  kill -QUIT "$pid"
  while kill -0 "$pid"; do sleep 0.05; done
done
grep -o " $1/[^ ]*" /proc/mounts | while read -r mount; do umount -l "$mount"; done
[ -n "$2" ] || rm -rf "$1"
"#;

struct Scratch {
    root: PathBuf,
    _lifeline: ChildStdin,
}

static SCRATCH: LazyLock<Scratch> = LazyLock::new(open);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The directory of this process.
pub fn root() -> &'static Path {
    &SCRATCH.root
}

/// A new empty directory, private to its owner, named `LABEL-NUMBER`.
pub fn fresh(label: &str) -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = root().join(format!("{label}-{number}"));
    fs::create_dir(&path).expect("a scratch directory can be made");
    set_mode(&path, 0o700);
    path
}

/// Sets a file's or a directory's permission bits.
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("we own what we made");
}

fn open() -> Scratch {
    let root = tempfile::Builder::new()
        .prefix("navette-kit-")
        .tempdir()
        .expect("the temporary directory is writable")
        .keep();
    // The database server runs as another user and has to pass through.
    set_mode(&root, 0o755);
    let lifeline = keeper(&root);
    Scratch {
        root,
        _lifeline: lifeline,
    }
}

/// A process group of its own keeps it out of reach of an interrupt typed at the terminal.
#[expect(clippy::zombie_processes, reason = "it ends after we do")]
fn keeper(root: &Path) -> ChildStdin {
    let mut child = Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(root)
        .arg(std::env::var("KIT_KEEP").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell is there");
    child.stdin.take().expect("its input was asked for")
}
