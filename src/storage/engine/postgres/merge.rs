//! Many statements that each insert one row, made into few that insert many.
//!
//! Only plain inserts are merged (`INSERT INTO … VALUES (…)` and nothing behind): no row of ours refers to another by a
//! constraint, so their order does not matter; anything else stays where it stands among them. Lengths are powers of two, so
//! that a statement comes in a few lengths only and stays prepared.

use crate::storage::engine::Value;

/// The most rows of one statement: the protocol counts parameters in 16 bits.
const ROWS: usize = 64;
/// What stands between a table's columns and its values.
const VALUES: &str = " VALUES (";

/// A statement and its parameters.
type Deferred = (String, Vec<Value>);

/// The same statements, merged.
pub(super) fn merged(statements: Vec<Deferred>) -> Vec<Deferred> {
    if statements.len() < 2 {
        return statements;
    }
    let mut all = Vec::with_capacity(statements.len());
    let mut inserts: Vec<(String, Vec<Vec<Value>>)> = Vec::new();
    for (sql, values) in statements {
        if !is_plain_insert(&sql) {
            all.extend(inserts.drain(..).flat_map(written));
            all.push((sql, values));
            continue;
        }
        match inserts.iter_mut().find(|(known, _)| *known == sql) {
            Some((_, rows)) => rows.push(values),
            None => inserts.push((sql, vec![values])),
        }
    }
    all.extend(inserts.into_iter().flat_map(written));
    all
}

fn is_plain_insert(sql: &str) -> bool {
    let values = sql
        .strip_prefix("INSERT INTO ")
        .and_then(|rest| rest.split_once(VALUES));
    values.is_some_and(|(_, row)| row.find(')') == Some(row.len() - 1))
}

/// One insert for so many rows as its lengths allow.
fn written((sql, rows): (String, Vec<Vec<Value>>)) -> Vec<Deferred> {
    let mut all = Vec::new();
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let length = (1 << rows.len().ilog2()).min(ROWS);
        let part: Vec<_> = rows.by_ref().take(length).collect();
        let columns = part[0].len();
        all.push((
            many(&sql, columns, length),
            part.into_iter().flatten().collect(),
        ));
    }
    all
}

/// The text of `sql`, which inserts one row of so many parameters, for `rows` of them.
fn many(sql: &str, parameters: usize, rows: usize) -> String {
    let Some((head, row)) = sql.split_once(VALUES) else {
        return sql.to_owned();
    };
    let rows: Vec<_> = (0..rows)
        .map(|number| format!("({}", renumbered(row, number * parameters)))
        .collect();
    format!("{head} VALUES {}", rows.join(", "))
}

/// `text` with every place `$n` as `$n + by`.
fn renumbered(text: &str, by: usize) -> String {
    let mut parts = text.split('$');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = part[..digits].parse().unwrap_or_default();
        all.push_str(&format!("${}{}", number + by, &part[digits..]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &str, value: i64) -> Deferred {
        (sql.to_owned(), vec![Value::Int(value), Value::Null])
    }

    #[test]
    fn rows_of_one_table_become_one_statement_and_nothing_passes_an_update() {
        let insert = "INSERT INTO job (id, state, at) VALUES ($1, 'queued', $2)";
        let other = "INSERT INTO lease (name, until) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let update = "UPDATE job SET at = $1 WHERE id = $2";
        let merged = merged(vec![
            statement(insert, 1),
            statement(insert, 2),
            statement(update, 3),
            statement(insert, 4),
            statement(other, 5),
            statement(other, 6),
        ]);
        let texts: Vec<_> = merged.iter().map(|(sql, _)| &**sql).collect();
        let both = "INSERT INTO job (id, state, at) VALUES ($1, 'queued', $2), ($3, 'queued', $4)";
        assert_eq!(texts, [both, update, insert, other, other]);
        let values = [Value::Int(1), Value::Null, Value::Int(2), Value::Null];
        assert_eq!(merged[0].1, values);
    }

    #[test]
    fn as_many_rows_as_come_go_in_a_few_lengths() {
        let insert = "INSERT INTO t (a, b) VALUES ($1, $2)";
        let merged = merged((0..135).map(|value| statement(insert, value)).collect());
        let lengths: Vec<_> = merged.iter().map(|(_, values)| values.len() / 2).collect();
        assert_eq!(lengths, [64, 64, 4, 2, 1]);
        let first = merged
            .iter()
            .flat_map(|(_, values)| values.iter().step_by(2));
        assert!(first.eq((0..135).map(Value::Int).collect::<Vec<_>>().iter()));
    }
}
