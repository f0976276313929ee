//! How the engines would run the hub's statements: by an index, however large the tables grow.
//!
//! Every statement is explained on both engines with its parameters left open. What reads a table from end to end, or an
//! index from end to end without a limit, is told; what is small by nature is named in [`SMALL`].

use navette::storage::{self, Engine as Dialect};
use rusqlite::Connection;

use crate::kit::{
    gateway::{Engine, Gateway, Kit},
    postgres,
};

/// Tables of which there are a few hundred rows at most, or that are read whole on purpose: the processes are one list.
const SMALL: [&str; 4] = [
    "hub_client",
    "hub_process",
    "hub_report",
    "hub_subscription_count",
];

/// The statements that read or write rows of the hub that are already there.
fn statements(dialect: Dialect) -> Vec<(&'static str, String)> {
    let all = storage::statements(dialect).into_iter();
    let of_hub: Vec<_> = all
        .filter(|(_, sql)| sql.contains("hub_") && !sql.starts_with("INSERT INTO"))
        .collect();
    assert!(of_hub.len() > 40, "{} statements", of_hub.len());
    of_hub
}

/// One of the tables that grow is read in this plan's line.
fn is_large(line: &str, sql: &str) -> bool {
    // PostgreSQL names the index of a table that it walks.
    let is = |word: &str, small: &str| {
        let rest = word.strip_prefix(small);
        rest.is_some_and(|rest| rest.is_empty() || rest == "_pkey" || rest.starts_with("_by_"))
    };
    let named = |word: &str| SMALL.iter().any(|small| is(word, small));
    let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    let tables = words.filter_map(|word| table(word, sql));
    tables
        .into_iter()
        .any(|table| table.starts_with("hub_") && !named(table))
}

/// The table that a word of a plan stands for: itself, or the one that it is an alias of.
fn table<'a>(word: &'a str, sql: &'a str) -> Option<&'a str> {
    if word.starts_with("hub_") {
        return Some(word);
    }
    let mut before = None;
    for name in sql.split(|c: char| !c.is_alphanumeric() && c != '_') {
        match before {
            Some(table) if name == word && !word.is_empty() => return Some(table),
            _ => before = name.starts_with("hub_").then_some(name),
        }
    }
    None
}

fn is_limited(sql: &str) -> bool {
    sql.contains("LIMIT")
}

/// SQLite: a `SCAN` of a table; along an index only where the statement has a limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_reads_no_table_of_the_hub_from_end_to_end() {
    let gateway = Kit::new(Engine::Sqlite).with_hub().start();
    let database = Connection::open(gateway.dir().join("data/navette.db")).unwrap();
    let mut wrong = Vec::new();
    for (name, sql) in statements(Dialect::Sqlite) {
        let plan = sqlite_plan(&database, &sql);
        let sorted = plan.iter().any(|line| line.contains("TEMP B-TREE"));
        // A table without row ids is its own index: to walk it in its order up to a limit is no search.
        let in_order = !sorted && !sql.contains("WHERE");
        for line in plan {
            let walks = line.starts_with("SCAN ") && is_large(&line, &sql);
            if walks && !(is_limited(&sql) && (in_order || line.contains("INDEX"))) {
                wrong.push(format!("{name}: {line}\n    {sql}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines of SQLite's plan.
pub fn sqlite_plan(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .expect(sql);
    let mut rows = statement.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get::<_, String>(3).unwrap());
    }
    lines
}

/// PostgreSQL: with sequential scans made dear, one that is left says that no index serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_reads_no_table_of_the_hub_from_end_to_end() {
    let gateway = Kit::new(Engine::Postgres).with_hub().start();
    let mut wrong = Vec::new();
    for (name, sql) in statements(Dialect::Postgres) {
        let plan = postgres_plan(&gateway, &sql);
        let lines: Vec<&str> = plan.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let whole = line.contains("Seq Scan on")
                || (line.contains("Scan using")
                    && !is_narrowed(&lines[number + 1..])
                    && !is_limited(&sql));
            if whole && is_large(line, &sql) {
                wrong.push(format!("{name}: {}\n    {sql}", line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines of a node, up to the next one, hold a condition on its index.
fn is_narrowed(rest: &[&str]) -> bool {
    let own = rest.iter().take_while(|line| !line.contains("->"));
    own.into_iter().any(|line| line.contains("Index Cond"))
}

/// PostgreSQL's plan, with sequential scans made dear and parameters left open.
pub fn postgres_plan(gateway: &Gateway, sql: &str) -> String {
    let count = (1..100)
        .take_while(|number| sql.contains(&format!("${number}")))
        .count();
    let nulls = vec!["NULL"; count].join(", ");
    let execute = match count {
        0 => "EXPLAIN EXECUTE asked".to_owned(),
        _ => format!("EXPLAIN EXECUTE asked({nulls})"),
    };
    let url = gateway.database().expect("a server");
    let settings = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
    postgres::run(
        url,
        &format!("{settings}; PREPARE asked AS {sql}; {execute}"),
    )
}
