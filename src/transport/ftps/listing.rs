//! Folders and single files: by `MLSD` where the server knows it, else by `LIST`, which tells minutes only, and `MDTM`.
//!
//! Two looks at one file must tell one date. So what `LIST` shows is completed by `MDTM`, asked once per file and again
//! when its size or its listed date changes.

use std::{
    io::{BufRead, BufReader, Read},
    time::SystemTime,
};

use suppaftp::{
    Status,
    list::{File, ListParser},
};

use super::{
    super::{Listed, MOST_LISTED, path},
    Ftps,
    link::STRIDE,
    reply,
};
use crate::kernel::fault::{Code, Fault, Result};

/// The most bytes of one line of a listing: a name of 4 KiB and its facts.
const LINE: u64 = 8 * 1024;

/// The exact date of a file, with what the listing showed when it was asked.
pub(super) struct Dated {
    size: u64,
    shown: i64,
    exact: i64,
}

impl Ftps {
    /// The plain files of a folder.
    pub(super) fn listed(&mut self, folder: &str) -> Result<Vec<Listed>> {
        let files = self.lines(folder)?;
        // vsftpd shows a folder that is not there as an empty one.
        if files.is_empty() && !self.knows_mlsd && !self.is_folder(folder)? {
            return Err(reply::missing());
        }
        let mut listed = Vec::with_capacity(files.len());
        for file in files {
            let known = shown(&file);
            match self.knows_mlsd {
                true => listed.push(known),
                false => listed.extend(self.dated(folder, known)?),
            }
        }
        Ok(listed)
    }

    /// One plain file; `None` where there is none.
    pub(super) fn described(&mut self, path: &str) -> Result<Option<Listed>> {
        let size = match self.command(|stream| stream.size(path)) {
            Ok(size) => size as u64,
            // "Not a plain file" and "there is none" bear one code.
            Err(fault) if is_absence(&fault) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let Some(modified) = self.modified(path)? else {
            return Ok(None);
        };
        if let Some(dated) = self.dates.get_mut(path) {
            dated.exact = modified;
        }
        Ok(Some(Listed {
            name: path::split(path).1.to_owned(),
            size,
            modified,
        }))
    }

    fn modified(&mut self, path: &str) -> Result<Option<i64>> {
        match self.command(|stream| stream.mdtm(path)) {
            Ok(date) => Ok(Some(date.and_utc().timestamp_micros())),
            Err(fault) if is_absence(&fault) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// A listed file with its exact date; `None` where it vanished meanwhile.
    fn dated(&mut self, folder: &str, mut file: Listed) -> Result<Option<Listed>> {
        let path = path::join(folder, &file.name)?;
        let shown = file.modified;
        if let Some(dated) = self.dates.get(&path)
            && (dated.size, dated.shown) == (file.size, shown)
        {
            file.modified = dated.exact;
            return Ok(Some(file));
        }
        let Some(exact) = self.modified(&path)? else {
            return Ok(None);
        };
        if self.dates.len() >= MOST_LISTED {
            self.dates.clear();
        }
        let size = file.size;
        self.dates.insert(path, Dated { size, shown, exact });
        file.modified = exact;
        Ok(Some(file))
    }

    /// The entries of a folder that concern us, read line by line and within limits.
    fn lines(&mut self, folder: &str) -> Result<Vec<File>> {
        let verb = match self.knows_mlsd {
            true => "MLSD",
            false => "LIST",
        };
        let command = match is_home(folder) {
            true => verb.to_owned(),
            false => format!("{verb} {folder}"),
        };
        let begun = [Status::AboutToSend, Status::AlreadyOpen];
        let data = self.open(|stream| Ok(stream.custom_data_command(&command, &begun)?.1))?;
        let mut lines = BufReader::new(data);
        let (mut files, mut since) = (Vec::new(), 0);
        let broken = loop {
            let mut line = Vec::new();
            match (&mut lines).take(LINE).read_until(b'\n', &mut line) {
                Ok(0) => break None,
                Ok(count) => {
                    files.extend(self.entry(&line));
                    since += count as u64;
                    if since > STRIDE {
                        since = 0;
                        self.link.within_transfer(self.patience);
                    }
                }
                Err(error) => break Some(super::transfer::Broken::Line(error)),
            }
            if files.len() >= MOST_LISTED {
                return self.enough(lines.into_inner(), files);
            }
        };
        self.settle(lines.into_inner(), broken)?;
        Ok(files)
    }

    /// More than anybody lists: what was read is answered, and the rest left with its connection.
    fn enough(
        &mut self,
        data: suppaftp::TransferStream<super::Secured>,
        files: Vec<File>,
    ) -> Result<Vec<File>> {
        self.link.cut();
        drop(data);
        Ok(files)
    }

    /// A plain file that is not hidden, from its line; lines that tell nothing of the kind are passed over, and so are names by
    /// which no file can be asked for.
    fn entry(&self, line: &[u8]) -> Option<File> {
        let line = str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
        let file = match self.knows_mlsd {
            true => ListParser::parse_mlsd(line).ok()?,
            false => ListParser::parse_posix(line)
                .or_else(|_| ListParser::parse_dos(line))
                .ok()?,
        };
        let concerns = file.is_file() && !path::is_hidden(file.name());
        (concerns && path::join("", file.name()).is_ok()).then_some(file)
    }
}

/// Whether a folder is the one that we are in.
pub(super) fn is_home(folder: &str) -> bool {
    matches!(folder, "" | ".")
}

fn is_absence(fault: &Fault) -> bool {
    matches!(fault.code(), Code::DepotFileMissing | Code::DepotDenied)
}

/// A file as the listing shows it.
fn shown(file: &File) -> Listed {
    Listed {
        name: file.name().to_owned(),
        size: file.size() as u64,
        modified: micros(file.modified()),
    }
}

/// In whole seconds: `MLSD` may tell fractions (RFC 3659), of which what we hear by `MDTM` has none.
fn micros(date: SystemTime) -> i64 {
    let since = date.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    i64::try_from(seconds).map_or(i64::MAX, |seconds| seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_with_fractions_is_told_in_whole_seconds_as_mdtm_tells_it() {
        let told = |date: &str| {
            let line = format!("type=file;size=3;modify={date}; LOT.zip");
            shown(&ListParser::parse_mlsd(&line).unwrap())
        };
        let whole = told("20201019151930");
        assert_eq!(whole.modified, 1_603_120_770_000_000);
        for date in ["20201019151930.123", "20201019151930.999"] {
            assert_eq!(told(date), whole, "{date}");
        }
    }
}
