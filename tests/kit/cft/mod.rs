//! A stand-in for Axway's Transfer CFT: no licence of the product is at hand, so this follows its public documentation.
//!
//! It sends what it is asked to, by its command ([`Monitor::start`]) or its REST API ([`Monitor::with_rest`]), to a folder that is
//! the partner's ([`Monitor::sent`]); its catalogue tells each transfer ([`Monitor::catalog`]). What its procedures would run, a
//! test runs itself. See `deploy/cft/README.md`.

mod rest;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{gateway::PROJECT, pki::pki, scratch};

/// The partner of every transfer.
pub const PART: &str = "ASP";

/// A monitor.
#[derive(Debug)]
pub struct Monitor {
    dir: PathBuf,
    rest: Option<rest::Api>,
}

/// A transfer of its catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub idtu: String,
    /// The model.
    pub idf: String,
    /// The word for the partner.
    pub parm: String,
    /// The application's id.
    pub ida: String,
    /// The file that was sent.
    pub fname: PathBuf,
}

impl Monitor {
    /// One that is asked by its command.
    pub fn start() -> Self {
        let dir = scratch::fresh("cft");
        for folder in ["spool", "work", "received", "network"] {
            fs::create_dir(dir.join(folder)).expect("the scratch directory is writable");
        }
        fs::write(dir.join("catalog"), "").expect("so is this folder");
        Self { dir, rest: None }
    }

    /// One that is asked by its REST API.
    pub fn with_rest() -> Self {
        let monitor = Self::start();
        fs::write(monitor.dir.join("token"), rest::TOKEN).expect("so is this folder");
        Self {
            rest: Some(rest::Api::start(&monitor.dir)),
            ..monitor
        }
    }

    /// The settings of a depot there, with a flow of each direction.
    pub fn settings(&self) -> String {
        let dir = self.dir.display();
        let send = match &self.rest {
            None => format!(
                "cftutil = {:?}\nenvironment = [\"CFTDIRRUNTIME={dir}\"]\n",
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/cft/cftutil.sh")
            ),
            Some(api) => format!(
                "send = \"rest\"\nurl = \"https://localhost:{}\"\ntoken_file = \"{dir}/token\"\nca = {:?}\n",
                api.port(),
                pki().root
            ),
        };
        format!(
            "depot = \"cft\"\ntransport = \"cft\"\npoll_millis = 200\ntimeout_seconds = 5\n\
             [cft]\nspool = \"{dir}/spool\"\nwork = \"{dir}/work\"\n{send}{}",
            FLOWS.replace("PROJECT", PROJECT)
        )
    }

    /// A file as the monitor leaves it when it has received it.
    pub fn receives(&self, name: &str, content: &[u8]) -> PathBuf {
        let file = self.dir.join("received").join(name);
        fs::write(&file, content).expect("the scratch directory is writable");
        file
    }

    /// Where the depot's spool is.
    pub fn spool(&self) -> PathBuf {
        self.dir.join("spool")
    }

    /// What waits in the work folder: paths below it, in order.
    pub fn waiting(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.dir.join("work"), &mut found);
        found.sort();
        found
    }

    /// What the partner got by a model under this name.
    pub fn sent(&self, idf: &str, name: &str) -> Option<Vec<u8>> {
        fs::read(self.dir.join("network").join(PART).join(idf).join(name)).ok()
    }

    /// The transfers, oldest first.
    pub fn catalog(&self) -> Vec<Transfer> {
        let text = fs::read_to_string(self.dir.join("catalog")).expect("it is there");
        text.lines().map(transfer).collect()
    }

    /// From now on it refuses, hangs, or tells no id: `refuse`, `hang`, `mute`.
    pub fn set(&self, mood: &str, on: bool) {
        let file = self.dir.join(mood);
        match on {
            true => fs::write(file, "").expect("the scratch directory is writable"),
            false => fs::remove_file(file).expect("it was set"),
        }
    }
}

fn transfer(line: &str) -> Transfer {
    let fields: Vec<_> = line.split(',').collect();
    let [idtu, part, idf, parm, ida, fname] = fields[..] else {
        panic!("{line}");
    };
    assert_eq!(part, PART);
    Transfer {
        idtu: idtu.to_owned(),
        idf: idf.to_owned(),
        parm: parm.to_owned(),
        ida: ida.to_owned(),
        fname: PathBuf::from(fname),
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => walk(&path, found),
            path => found.push(path),
        }
    }
}

const FLOWS: &str = r#"
[[flow]]
name = "lots"
project = "PROJECT"
direction = "in"
part = "ASP"
idf = "NAVLOT"
pattern = "*"
receipts = "NAVREC"
rejected = "rejected"

[[flow]]
name = "retours"
project = "PROJECT"
direction = "out"
part = "ASP"
idf = "NAVRET"

[[flow]]
name = "acquittements"
project = "PROJECT"
direction = "acknowledgments"
part = "ASP"
idf = "NAVACK"
answers = "retours"
"#;
