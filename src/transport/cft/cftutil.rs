//! By the monitor's command: `CFTUTIL SEND PART=…,IDF=…,FNAME=…,PARM=…,IDA=…`, run without a shell.
//!
//! It ends with 0 and says `CFTU00I SEND _ Correct`; where it speaks to the monitor directly (`CONFIG TYPE=COM,
//! MEDIACOM=TCPIP`) it says `IDTU=…` too, else the end-of-transfer procedure tells it.

use std::{
    io::{self, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::submit::{Request, away, refused};
use crate::kernel::fault::{Fault, Result};

/// How often a command is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// The most bytes of its output that are read.
const OUTPUT: u64 = 64 * 1024;

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
    let output = child.stdout.take();
    let reading = thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(output) = output {
            // What cannot be read was not said.
            let _ = output.take(OUTPUT).read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let status = ended(&mut child, patience).map_err(away)?;
    let said = reading
        .join()
        .map_err(|_| Fault::internal("a reader panicked"))?;
    Ok((status, said))
}

/// Waits for its end, and kills it at the deadline.
fn ended(child: &mut Child, patience: Duration) -> io::Result<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK);
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
    fn the_products_own_words_are_read() {
        let said = "CFTU20I CFT/Unix\nCFTU00I SEND _ Correct (IDT=H1018055 IDTU=A0000004 )\n";
        assert_eq!(word(said, "IDTU=").as_deref(), Some("A0000004"));
        assert_eq!(word("CFTU00I SEND _ Correct (part=PARIS)", "IDTU="), None);
        assert_eq!(codes("CFTU15E SEND _ fname=/x/DUPONT.zip"), "CFTU15E");
    }
}
