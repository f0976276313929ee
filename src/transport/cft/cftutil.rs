//! By the monitor's command: `CFTUTIL SEND PART=…,IDF=…,FNAME=…,PARM=…,IDA=…`, run without a shell.
//!
//! It ends with 0 and says `CFTU00I SEND _ Correct`; where it speaks to the monitor directly (`CONFIG TYPE=COM,
//! MEDIACOM=TCPIP`) it says `IDTU=…` too, else the end-of-transfer procedure tells it.

use std::{
    io::{self, ErrorKind, Read},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::submit::{Request, away, refused};
use crate::kernel::fault::Result;

/// How often a command is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// How long what it has started may still speak once it has ended itself.
const AFTERWORDS: Duration = Duration::from_secs(1);

/// The most bytes that a pipe holds here.
const PIPE: usize = 1024 * 1024;

/// The most bytes of its output that are kept.
const OUTPUT: usize = 64 * 1024;

pub(super) fn submit(
    command: &Path,
    environment: &[(String, String)],
    request: &Request<'_>,
    path: &str,
    patience: Duration,
) -> Result<Option<String>> {
    let (status, said) = run(
        Command::new(command)
            .arg("SEND")
            .arg(parameters(request, path))
            .envs(environment.iter().map(|(name, value)| (name, value))),
        patience,
    )?;
    match status.success() && said.contains("SEND _ Correct") {
        true => Ok(word(&said, "IDTU=")),
        false => Err(refused(format!("{status} {}", codes(&said)))),
    }
}

fn parameters(request: &Request<'_>, path: &str) -> String {
    let Request {
        part,
        idf,
        parm,
        ida,
        ..
    } = request;
    format!("PART={part},IDF={idf},FNAME={path},PARM={parm},IDA={ida}")
}

fn run(command: &mut Command, patience: Duration) -> Result<(ExitStatus, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(away)?;
    let mut output = Output::of(child.stdout.take()).map_err(away)?;
    let status = ended(&mut child, &mut output, patience).map_err(away)?;
    Ok((status, output.said()))
}

/// Waits for its end, and kills it at the deadline. Of what it said, all is read that comes before it ends, and what comes soon
/// after; the end of its output is not awaited, for what a command has started may hold that open for ever.
fn ended(child: &mut Child, output: &mut Output, patience: Duration) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + patience;
    let mut end: Option<(ExitStatus, Instant)> = None;
    loop {
        if let (None, Some(status)) = (end, child.try_wait()?) {
            end = Some((status, deadline.min(Instant::now() + AFTERWORDS)));
        }
        // After its end: all that it said itself is read then.
        output.read();
        let now = Instant::now();
        match end {
            Some((status, until)) if output.is_over() || now > until => return Ok(status),
            None if now > deadline => {
                child.kill()?;
                child.wait()?;
                return Err(ErrorKind::TimedOut.into());
            }
            _ => thread::sleep(LOOK),
        }
    }
}

/// What a command says, read as far as it has come.
struct Output {
    from: Option<ChildStdout>,
    said: Vec<u8>,
}

impl Output {
    fn of(from: Option<ChildStdout>) -> io::Result<Self> {
        if let Some(from) = &from {
            fcntl_setfl(from, fcntl_getfl(from)? | OFlags::NONBLOCK)?;
        }
        let said = Vec::new();
        Ok(Self { from, said })
    }

    /// As far as it has come; as much at once as a pipe can hold, for it may never end.
    fn read(&mut self) {
        let mut piece = [0; 4096];
        for _ in 0..PIPE / piece.len() {
            let Some(from) = &mut self.from else { return };
            match from.read(&mut piece) {
                Ok(length) if length > 0 => {
                    let room = OUTPUT - self.said.len();
                    self.said.extend_from_slice(&piece[..length.min(room)]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Its end; and what cannot be read was not said.
                _ => self.from = None,
            }
        }
    }

    /// Whether nothing more will come.
    fn is_over(&self) -> bool {
        self.from.is_none()
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }
}

/// The word behind `key`.
fn word(said: &str, key: &str) -> Option<String> {
    let (_, rest) = said.split_once(key)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
    let word = &rest[..end.unwrap_or(rest.len())];
    (!word.is_empty()).then(|| word.to_owned())
}

/// The numbers of its messages that tell an error, such as `CFTU01E`.
fn codes(said: &str) -> String {
    let words = said.split(|c: char| !c.is_ascii_alphanumeric());
    let is_code =
        |word: &&str| word.len() == 7 && word.starts_with("CFT") && word.ends_with(['E', 'F', 'W']);
    words.filter(is_code).take(5).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_leaves_behind_is_not_waited_for() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 40 & echo 'SEND _ Correct (IDTU=A0000004 )'"]);
        let begun = Instant::now();
        let (status, said) = run(&mut shell, Duration::from_secs(60)).unwrap();
        assert!(status.success() && begun.elapsed() < Duration::from_secs(20));
        assert_eq!(word(&said, "IDTU=").as_deref(), Some("A0000004"));
    }

    #[test]
    fn the_products_own_words_are_read() {
        let said = "CFTU20I CFT/Unix\nCFTU00I SEND _ Correct (IDT=H1018055 IDTU=A0000004 )\n";
        assert_eq!(word(said, "IDTU=").as_deref(), Some("A0000004"));
        assert_eq!(word("CFTU00I SEND _ Correct (part=PARIS)", "IDTU="), None);
        assert_eq!(codes("CFTU15E SEND _ fname=/x/DUPONT.zip"), "CFTU15E");
    }
}
