//! The table and the file of figures.

use std::{collections::BTreeMap, fs, path::Path};

/// What has been measured so far.
#[derive(Debug, Default)]
pub struct Figures {
    rows: Vec<(String, f64, String)>,
    named: BTreeMap<String, f64>,
}

impl Figures {
    /// A line of the table: what was measured, the number, its unit.
    pub fn line(&mut self, what: &str, value: f64, unit: &str) {
        eprintln!("  {what}: {value:.1} {unit}");
        self.rows.push((what.to_owned(), value, unit.to_owned()));
    }

    /// A figure that readers compare from run to run, by its name; `goal` is what to reach, in words.
    pub fn named(&mut self, name: &str, value: f64, goal: &str) {
        eprintln!("  {name}: {value:.3} ({goal})");
        self.rows
            .push((name.to_owned(), value, format!("to reach: {goal}")));
        self.named.insert(name.to_owned(), rounded(value));
    }

    /// Prints the table and writes the file.
    pub fn publish(&self) {
        println!();
        for (what, value, unit) in &self.rows {
            println!("{what:<58} {value:>10.2}  {unit}");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        let text = serde_json::to_string_pretty(&self.named).expect("numbers are JSON");
        fs::create_dir_all(&folder).expect("the target directory is writable");
        fs::write(folder.join("figures.json"), text + "\n").expect("so is its folder");
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
