//! How the engines ask what still needs a daily key: by an index of what is kept, for what was purged stays for ever.

use navette::storage::{self, Engine as Dialect};
use rusqlite::Connection;

use crate::{
    hubee::plans::{postgres_plan, sqlite_plan},
    kit::gateway::{Engine, Kit},
};

/// The questions about rows that need a key, each with the index that is to answer it.
fn questions(dialect: Dialect) -> Vec<(String, &'static str)> {
    let all = storage::statements(dialect).into_iter().map(|(_, sql)| sql);
    let asked = all.filter(|sql| sql.starts_with("SELECT") && sql.contains("key_id = $"));
    let asked: Vec<_> = asked
        .map(|sql| match sql.contains(" FROM exchange ") {
            true => (sql, "exchange_by_key"),
            false => (sql, "document_by_key"),
        })
        .collect();
    assert_eq!(asked.len(), 5, "{asked:?}");
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_asks_an_index_what_still_needs_a_key() {
    let gateway = Kit::new(Engine::Sqlite).start();
    let database = Connection::open(gateway.dir().join("data/navette.db")).unwrap();
    for (sql, index) in questions(Dialect::Sqlite) {
        let plan = sqlite_plan(&database, &sql).join("\n");
        assert!(
            plan.contains(index) && !plan.contains("SCAN"),
            "{sql}\n{plan}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_asks_an_index_what_still_needs_a_key() {
    let gateway = Kit::new(Engine::Postgres).start();
    for (sql, index) in questions(Dialect::Postgres) {
        let plan = postgres_plan(&gateway, &sql);
        assert!(
            plan.contains(index) && plan.contains("key_id = $"),
            "{sql}\n{plan}"
        );
    }
}
