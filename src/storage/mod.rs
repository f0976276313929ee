//! The database: SQL and nothing else, one file per domain.
//!
//! [`engine`] runs units of work on SQLite or PostgreSQL; [`migrate`] brings a database to today's schema; the other files
//! hold the statements of one domain each, declared with [`statements!`](crate::statements) so that a test prepares every
//! one of them on both engines.

pub mod acknowledgments;
pub mod archive_pieces;
pub mod archives;
pub mod cft;
pub mod clients;
pub mod depot_files;
pub mod documents;
pub mod dump;
pub mod durability;
pub mod engine;
pub mod exchanges;
pub mod holds;
pub mod hubee;
pub mod idempotency;
pub mod incidents;
pub mod inspection;
pub mod iterations;
pub mod jobs;
pub mod journal;
pub mod keys;
pub mod leases;
pub mod listing;
pub mod migrate;
pub mod overdue;
pub mod piece_results;
pub mod purges;
pub mod purging;
pub mod redeliveries;
pub mod remains;
pub mod replay;
pub mod retention;
pub mod return_files;
pub mod returns;
pub mod scans;
pub mod sets;
pub mod targets;

pub use engine::{Access, Engine, Prepared, Row, Store, Tx, Value, is_text};

/// Every statement of every file for `engine`, by name: what the preparation test walks.
pub fn statements(engine: Engine) -> Vec<(&'static str, String)> {
    let shared = [
        acknowledgments::ALL,
        archive_pieces::ALL,
        archives::ALL,
        cft::ALL,
        clients::ALL,
        depot_files::ALL,
        documents::ALL,
        exchanges::ALL,
        holds::ALL,
        idempotency::ALL,
        incidents::ALL,
        inspection::ALL,
        iterations::ALL,
        jobs::ALL,
        journal::ALL,
        keys::ALL,
        leases::ALL,
        migrate::ALL,
        overdue::ALL,
        piece_results::ALL,
        purges::ALL,
        purging::ALL,
        redeliveries::ALL,
        remains::ALL,
        replay::ALL,
        retention::ALL,
        return_files::ALL,
        returns::ALL,
        targets::ALL,
        scans::ALL,
    ];
    let mut all: Vec<_> = shared
        .concat()
        .into_iter()
        .chain(jobs::of_engine(engine))
        .chain(leases::of_engine(engine))
        .chain(retention::of_engine(engine))
        .chain(hubee::processes::of_engine(engine))
        .chain(dump::of_engine(engine))
        .chain(durability::of_engine(engine))
        .map(|(name, sql)| (name, sql.to_owned()))
        .collect();
    all.push(("LIST", listing::statement(&every_filter(), 1).0));
    let deposits = iterations::statement(&iterations::Wanted::every(), 1);
    all.push(("DEPOSITS", deposits.0));
    let incidents = incidents::statement(&incidents::Filter::every(), 1);
    all.push(("INCIDENTS", incidents.0));
    all.extend(hubee::all());
    all.extend(journal::of_sets());
    all.extend(purges::of_sets());
    all.extend(purging::of_sets());
    all
}

/// A filter with every condition, for the preparation test.
fn every_filter() -> listing::Filter {
    let epoch = jiff::Timestamp::UNIX_EPOCH;
    listing::Filter {
        client_id: Some(String::new()),
        project: Some(String::new()),
        source_application: Some(String::new()),
        dossier_hashes: Some(vec![[0; 32]; 2]),
        iteration: Some(1),
        status: Some(String::new()),
        sha256: Some([0; 32]),
        reception: Some(listing::Reception::Later),
        received_after: Some(epoch),
        received_before: Some(epoch),
        before_id: Some(uuid::Uuid::nil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite counts `$2` as the first parameter where it stands first.
    #[test]
    fn every_statement_names_its_parameters_in_the_order_of_their_numbers() {
        for (name, sql) in statements(Engine::Sqlite) {
            let mut highest = 0;
            for after in sql.split('$').skip(1) {
                let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                let number: u32 = after[..digits].parse().unwrap_or_default();
                assert!(number <= highest + 1, "{name}: {sql}");
                highest = highest.max(number);
            }
        }
    }
}
