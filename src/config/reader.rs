//! Reads one TOML file key by key and gathers every fault on the way, so that one run tells them all.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::{Table, Value};

use super::Environment;
use crate::kernel::fault::{Code, FieldFault};

/// A settings file being read. Getters answer a stand-in where the value is missing or wrong; the fault is kept.
pub(super) struct Reader {
    file: PathBuf,
    table: Table,
    read: BTreeSet<String>,
    faults: Vec<FieldFault>,
}

/// A fault at a key of a file.
pub(super) fn fault(file: &Path, key: &str, detail: &str) -> FieldFault {
    FieldFault::new(
        format!("{}:{key}", file.display()),
        Code::Configuration,
        detail,
    )
}

impl Reader {
    pub(super) fn open(file: &Path) -> Self {
        let mut reader = Self {
            file: file.to_owned(),
            table: Table::new(),
            read: BTreeSet::new(),
            faults: Vec::new(),
        };
        match std::fs::read_to_string(file).map(|text| text.parse::<Table>()) {
            Ok(Ok(table)) => reader.table = table,
            Ok(Err(error)) => reader.wrong("", error.message()),
            Err(error) => reader.wrong("", &error.to_string()),
        }
        reader
    }

    /// Lays `NAVETTE_A__B=v` over key `a.b`. Numbers, truth values and lists are written as in TOML, all else is text.
    pub(super) fn override_by(&mut self, environment: &Environment) {
        for (name, value) in environment {
            let Some(path) = name.strip_prefix("NAVETTE_") else {
                continue;
            };
            if NOT_SETTINGS.contains(&name.as_str()) {
                continue;
            }
            let path = path.to_lowercase().replace("__", ".");
            match value.to_str() {
                Some(text) => set(&mut self.table, &path, value_of(text)),
                None => self.wrong(&path, &format!("the variable {name} is not UTF-8")),
            }
        }
    }

    /// The faults found, those of keys that nobody asked for included.
    pub(super) fn finish(mut self) -> Vec<FieldFault> {
        let mut known = Vec::new();
        leaves(&self.table, "", &mut known);
        for key in known.iter().filter(|key| !self.read.contains(*key)) {
            let detail = "unknown key (see the commented example in deploy/)";
            self.faults.push(fault(&self.file, key, detail));
        }
        self.faults
    }

    /// Every key that was asked for, whether or not it is there.
    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.read.clone()
    }

    /// Every key that is there.
    #[cfg(test)]
    pub(super) fn present(&self) -> BTreeSet<String> {
        let mut known = Vec::new();
        leaves(&self.table, "", &mut known);
        known.into_iter().collect()
    }

    pub(super) fn wrong(&mut self, key: &str, detail: &str) {
        self.faults.push(fault(&self.file, key, detail));
    }

    /// Says that the file `other` has the same `name`; one that is missing was told already.
    pub(super) fn is_taken(&mut self, key: &str, name: &str, other: &Path) {
        if !name.is_empty() {
            self.wrong(
                key,
                &format!("{name:?} is that of {}, too", other.display()),
            );
        }
    }

    /// The file that is read.
    pub(super) fn source(&self) -> PathBuf {
        self.file.clone()
    }

    fn value(&mut self, key: &str) -> Option<Value> {
        self.read.insert(key.to_owned());
        let mut parts = key.split('.');
        let first = step(&self.table, parts.next()?)?;
        parts
            .try_fold(first, |value, part| step(value.as_table()?, part))
            .cloned()
    }

    /// How many tables `[[key]]` there are; theirs are the keys `key[0].…`.
    pub(super) fn count(&mut self, key: &str) -> usize {
        let Some(value) = self.table.get(key) else {
            return 0;
        };
        let count = tables(value).map(<[Value]>::len);
        count.unwrap_or_else(|| {
            self.wrong(key, &format!("expected tables, each under [[{key}]]"));
            0
        })
    }

    fn typed<T>(&mut self, key: &str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let typed = read(&value);
        if typed.is_none() {
            self.wrong(key, &format!("expected {what}"));
        }
        typed
    }

    pub(super) fn optional_text(&mut self, key: &str) -> Option<String> {
        self.typed(key, "a text that is not empty", |value| {
            value
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        })
    }

    pub(super) fn text(&mut self, key: &str) -> String {
        let missing = self.value(key).is_none();
        if missing {
            self.wrong(key, "missing");
        }
        self.optional_text(key).unwrap_or_default()
    }

    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        self.typed(key, "true or false", Value::as_bool)
            .unwrap_or(default)
    }

    /// A number between `least` and `most`, both included.
    pub(super) fn number(&mut self, key: &str, default: u64, least: u64, most: u64) -> u64 {
        let what = format!("a whole number from {least} to {most}");
        self.typed(key, &what, |value| {
            let number = u64::try_from(value.as_integer()?).ok()?;
            (least..=most).contains(&number).then_some(number)
        })
        .unwrap_or(default)
    }

    /// A number of seconds between 1 and `most`.
    pub(super) fn seconds(&mut self, key: &str, default: u64, most: u64) -> Duration {
        Duration::from_secs(self.number(key, default, 1, most))
    }

    /// Hour and minute: `HH:MM` of legal time.
    pub(super) fn time_of_day(&mut self, key: &str, default: (i8, i8)) -> (i8, i8) {
        let Some(text) = self.optional_text(key) else {
            return default;
        };
        let time = jiff::civil::Time::strptime("%H:%M", &text);
        time.map_or_else(
            |_| {
                self.wrong(key, "expected a time of day, such as \"02:30\"");
                default
            },
            |time| (time.hour(), time.minute()),
        )
    }

    pub(super) fn list(&mut self, key: &str) -> Vec<String> {
        self.typed(key, "a list of texts", |value| {
            let items = value.as_array()?.iter();
            items.map(|item| item.as_str().map(str::to_owned)).collect()
        })
        .unwrap_or_default()
    }

    pub(super) fn address(&mut self, key: &str, default: &str) -> SocketAddr {
        let text = self
            .optional_text(key)
            .unwrap_or_else(|| default.to_owned());
        text.parse().unwrap_or_else(|_| {
            self.wrong(key, "expected an address and port, such as 127.0.0.1:8443");
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    /// A path, taken from the settings file's folder where it is relative.
    pub(super) fn path(&mut self, key: &str, default: &str) -> PathBuf {
        let text = self
            .optional_text(key)
            .unwrap_or_else(|| default.to_owned());
        self.resolved(&text)
    }

    /// A path that must be given, taken from the settings file's folder where it is relative.
    pub(super) fn place(&mut self, key: &str) -> PathBuf {
        let text = self.text(key);
        self.resolved(&text)
    }

    /// The path of a file that must be readable now.
    pub(super) fn file(&mut self, key: &str) -> PathBuf {
        let text = self.text(key);
        self.readable(key, &text)
    }

    /// Like [`Reader::file`], where the key is there.
    pub(super) fn optional_file(&mut self, key: &str) -> Option<PathBuf> {
        let text = self.optional_text(key)?;
        Some(self.readable(key, &text))
    }

    fn readable(&mut self, key: &str, text: &str) -> PathBuf {
        let path = self.resolved(text);
        if !text.is_empty()
            && let Err(error) = std::fs::File::open(&path)
        {
            self.wrong(key, &format!("{}: {error}", path.display()));
        }
        path
    }

    fn resolved(&self, text: &str) -> PathBuf {
        super::folder_of(&self.file).join(text)
    }
}

/// Variables with our prefix that are no settings.
const NOT_SETTINGS: &[&str] = &[
    "NAVETTE_CONFIG",
    "NAVETTE_FAILPOINT",
    "NAVETTE_LOG",
    // What the commands that call the API read: `push` and `status`.
    "NAVETTE_URL",
    "NAVETTE_CLIENT_ID",
    "NAVETTE_CLIENT_SECRET_FILE",
    "NAVETTE_CERTIFICATE",
    "NAVETTE_KEY",
    "NAVETTE_CA",
    "NAVETTE_APPLICATION",
];

fn value_of(text: &str) -> Value {
    format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(table: &mut Table, path: &str, value: Value) {
    let Some((head, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value);
        return;
    };
    let inner = table
        .entry(head.to_owned())
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        set(inner, rest, value);
    }
}

fn leaves(table: &Table, prefix: &str, out: &mut Vec<String>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        match value {
            Value::Table(inner) => leaves(inner, &format!("{path}."), out),
            other => match tables(other) {
                Some(tables) => each(tables, &path, out),
                None => out.push(path),
            },
        }
    }
}

fn each(tables: &[Value], path: &str, out: &mut Vec<String>) {
    for (at, table) in tables.iter().enumerate() {
        if let Value::Table(inner) = table {
            leaves(inner, &format!("{path}[{at}]."), out);
        }
    }
}

/// The tables of an array that holds nothing else, and at least one.
fn tables(value: &Value) -> Option<&[Value]> {
    let items = value.as_array()?;
    let all = !items.is_empty() && items.iter().all(Value::is_table);
    all.then_some(items.as_slice())
}

/// What a table holds under `name`, or under `name[number]`.
fn step<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    let Some((array, number)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) else {
        return table.get(name);
    };
    let number: usize = number.parse().ok()?;
    table.get(array)?.as_array()?.get(number)
}
