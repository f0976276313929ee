//! Statements over sets: one text that both engines take, whose places are as many as the set needs.
//!
//! A template has `{}` where the places of a set stand: `DELETE FROM job WHERE subject IN ({})`. Sets are cut and padded, so
//! that a statement comes in a few lengths only and stays prepared. To add one: a template among the file's own, called
//! through [`run`] or [`insert`], and named in its `of_sets` for the test that prepares every statement.

use super::engine::{Tx, Value};
use crate::kernel::fault::Result;

/// The most members of a set that one statement takes.
pub const SET: usize = 256;
/// The most rows that one statement inserts.
const ROWS: usize = 64;

/// Runs `template` over `set`, as often as its length asks for. The places of `fixed` stand before the set's. An empty set
/// does nothing.
pub fn run(tx: &mut Tx<'_>, template: &str, fixed: &[Value], set: &[Value]) -> Result<()> {
    for part in set.chunks(SET) {
        let (sql, values) = filled(template, fixed, &[part]);
        tx.batch(&[(&sql, &values)])?;
    }
    Ok(())
}

/// The text of `template` with the places of `sets`, one for each `{}`, and its values: `fixed`, then the sets'.
///
/// A set is padded with its last member to the next power of two; membership does not change by that.
pub fn filled(template: &str, fixed: &[Value], sets: &[&[Value]]) -> (String, Vec<Value>) {
    let mut values = fixed.to_vec();
    let mut sql = template.to_owned();
    for set in sets {
        let first = values.len() + 1;
        let length = set.len().next_power_of_two();
        let padding = set.last().into_iter().cycle().take(length - set.len());
        values.extend(set.iter().chain(padding).cloned());
        sql = sql.replacen("{}", &places(first, length), 1);
    }
    (sql, values)
}

/// Inserts `rows`: `head` is the statement up to `VALUES`.
pub fn insert(tx: &mut Tx<'_>, head: &str, rows: &[Vec<Value>]) -> Result<()> {
    let mut left = rows;
    while !left.is_empty() {
        let length = (1 << left.len().ilog2()).min(ROWS);
        let (part, rest) = left.split_at(length);
        let values: Vec<Value> = part.iter().flatten().cloned().collect();
        let sql = inserting(head, part.len(), part[0].len());
        tx.batch(&[(&sql, &values)])?;
        left = rest;
    }
    Ok(())
}

/// The text that inserts `rows` of that many columns.
pub fn inserting(head: &str, rows: usize, columns: usize) -> String {
    let row = |number: usize| format!("({})", places(number * columns + 1, columns));
    let rows: Vec<_> = (0..rows).map(row).collect();
    format!("{head} {}", rows.join(", "))
}

fn places(first: usize, length: usize) -> String {
    let places: Vec<_> = (first..first + length).map(|n| format!("${n}")).collect();
    places.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_gets_the_places_of_its_sets_behind_the_fixed_ones() {
        let values = |ints: &[i64]| ints.iter().copied().map(Value::Int).collect::<Vec<_>>();
        let template = "UPDATE t SET a = $1 WHERE b IN ({}) AND c IN ({})";
        let (sql, filled) = filled(
            template,
            &values(&[7]),
            &[&values(&[1, 2, 3]), &values(&[9])],
        );
        assert_eq!(
            sql,
            "UPDATE t SET a = $1 WHERE b IN ($2, $3, $4, $5) AND c IN ($6)"
        );
        assert_eq!(
            filled,
            values(&[7, 1, 2, 3, 3, 9]),
            "padded with the last one"
        );
        assert_eq!(
            inserting("INSERT INTO t (a, b) VALUES", 2, 2),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)"
        );
    }
}
