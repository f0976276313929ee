//! Every way in which a house may disagree with itself, provoked piece by piece, found by one inspection.

use std::{fs, time::UNIX_EPOCH};

use uuid::Uuid;

use super::{sent, wait_for_status};
use crate::{
    both_engines,
    kit::gateway::{Gateway, damage},
};

/// A stopped gateway's piece, to be broken.
struct Piece<'g> {
    gateway: &'g Gateway,
    id: String,
}

impl Piece<'_> {
    /// Runs a statement in which `ID` stands for the piece, `RETURN` for its return and `NOTHING` for one zero byte.
    fn sql(&self, statement: &str) {
        let id = self.gateway.id(&self.id);
        let returned = format!("(SELECT id FROM exchange_return WHERE exchange_id = {id})");
        let nothing = match self.gateway.database() {
            Some(_) => r"'\x00'",
            None => "x'00'",
        };
        let statement = statement.replace("RETURN", &returned).replace("ID", &id);
        self.gateway.sql(&statement.replace("NOTHING", nothing));
    }

    /// The id of its content's document, and of its blob.
    fn content(&self) -> String {
        let id = self.gateway.id(&self.id);
        let question =
            format!("SELECT id FROM document WHERE exchange_id = {id} AND role = 'content'");
        self.gateway.sql(&question)
    }
}

/// What is done to a piece, and the codes that tell it under the piece's own id.
const ROWS: &[(&str, &[&str])] = &[
    (
        "DELETE FROM document WHERE exchange_id = ID",
        &["content-missing"],
    ),
    (
        "DELETE FROM receipt WHERE exchange_id = ID",
        &["receipt-missing"],
    ),
    (
        "UPDATE receipt SET cms = NOTHING WHERE exchange_id = ID",
        &["receipt-invalid"],
    ),
    (
        "UPDATE receipt SET body = NOTHING WHERE exchange_id = ID",
        &["receipt-mismatch"],
    ),
    (
        "UPDATE exchange SET size = size + 1 WHERE id = ID",
        &["receipt-mismatch"],
    ),
    (
        "UPDATE exchange SET wrapped_key = NOTHING WHERE id = ID",
        &["key-lost"],
    ),
    (
        "UPDATE exchange SET metadata = NOTHING WHERE id = ID",
        &["metadata-damaged"],
    ),
    (
        "UPDATE exchange SET status = 'undelivered' WHERE id = ID",
        &["status-mismatch"],
    ),
    (
        "DELETE FROM result WHERE exchange_id = ID",
        &["result-missing"],
    ),
    (
        "DELETE FROM acknowledgment WHERE return_id = RETURN",
        &["acknowledgment-missing"],
    ),
    (
        "INSERT INTO scan SELECT id, exchange_id, partner, environment, 'infected', 'X', created_at FROM document \
         WHERE exchange_id = ID AND role = 'content'",
        &["quarantine-broken"],
    ),
    (
        "DELETE FROM return_once WHERE exchange_id = ID",
        &["return-twice"],
    ),
    (
        "DELETE FROM natural_key WHERE exchange_id = ID",
        &["natural-key-missing"],
    ),
    (
        "DELETE FROM exchange WHERE id = ID",
        &["exchange-missing", "natural-key-dangling"],
    ),
    (
        "UPDATE exchange SET status = 'purged' WHERE id = ID",
        &["purge-incomplete"],
    ),
    (
        "UPDATE exchange_return SET state = 'pending' WHERE id = RETURN; \
         UPDATE exchange SET status = 'returned' WHERE id = ID",
        &["delivery-job-missing"],
    ),
    (
        "DELETE FROM exchange_return WHERE exchange_id = ID; UPDATE exchange SET status = 'received' WHERE id = ID",
        &["job-missing"],
    ),
];

both_engines! {
    /// Rows that are missing, changed or left over are each told, at their place, and nothing else is.
    async fn every_damage_to_a_row_is_found_at_its_piece(kit) {
        let (gateway, ids) = stopped(kit, ROWS.len()).await;
        let mut expected = Vec::new();
        for ((statement, codes), id) in ROWS.iter().zip(ids) {
            let piece = Piece { gateway: &gateway, id };
            piece.sql(statement);
            expected.extend(codes.iter().map(|code| ((*code).to_owned(), piece.id.clone())));
        }
        expected.sort();
        assert_eq!(gateway.differences(), expected);
    }

    /// A blob that is gone, changed by a bit, cut, of another key, or nobody's is told under its own id.
    async fn every_damage_to_a_blob_is_found_at_its_document(kit) {
        let (gateway, ids) = stopped(kit, 4).await;
        let pieces: Vec<_> = ids.into_iter().map(|id| Piece { gateway: &gateway, id }).collect();
        let contents: Vec<_> = pieces.iter().map(Piece::content).collect();
        fs::remove_file(gateway.blob(&contents[0])).unwrap();
        damage(&gateway.blob(&contents[1]));
        let file = fs::File::options().write(true).open(gateway.blob(&contents[2])).unwrap();
        file.set_len(500).unwrap();
        pieces[3].sql("UPDATE document SET wrapped_key = NOTHING WHERE exchange_id = ID");
        let old = "018bcfe5-6800-7000-8000-000000000001";
        // Two hours and a half old: the sweep of the hour may not have met it yet.
        let begun = UNIX_EPOCH.elapsed().unwrap().as_secs() - 9_000;
        let young = Uuid::new_v7(uuid::Timestamp::from_unix_time(begun, 0, 0, 0)).to_string();
        for orphan in [old, &young] {
            fs::copy(gateway.blob(&contents[3]), gateway.blob(orphan)).unwrap();
        }
        let mut expected = [
            ("blob-missing", &contents[0][..]),
            ("blob-damaged", &contents[1]),
            ("blob-damaged", &contents[2]),
            ("key-lost", &contents[3]),
            ("blob-orphan", old),
        ]
        .map(|(code, id)| (code.to_owned(), id.to_owned()));
        expected.sort();
        assert_eq!(gateway.differences(), expected);
    }

    /// A quick look does not read the blobs: it sees one that is cut, not one that is changed.
    async fn a_quick_look_sees_lengths_and_not_bytes(kit) {
        let (gateway, ids) = stopped(kit, 1).await;
        let piece = Piece { gateway: &gateway, id: ids[0].clone() };
        let blob = gateway.blob(&piece.content());
        damage(&blob);
        gateway.run(&["doctor", "--quick"]).succeeded();
        fs::File::options().write(true).open(&blob).unwrap().set_len(500).unwrap();
        gateway.run(&["doctor", "--quick"]).failed_with(1);
    }

    /// An entry that was changed, and one that was taken out, break the journal's chain.
    async fn a_journal_that_was_tampered_with_is_found(kit) {
        let (gateway, ids) = stopped(kit, 1).await;
        let piece = Piece { gateway: &gateway, id: ids[0].clone() };
        gateway.sql("UPDATE journal SET detail = '{}' WHERE kind = 'piece.processed'");
        assert_eq!(gateway.differences(), [("journal-broken".to_owned(), "journal".to_owned())]);
        piece.sql("DELETE FROM journal WHERE exchange_id = ID AND kind = 'piece.received'");
        let codes: Vec<_> = gateway.differences().into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["journal-broken", "journal-entry-missing", "receipt-mismatch"]);
    }
}

/// A gateway with so many acknowledged pieces, stopped.
async fn stopped(kit: crate::kit::gateway::Kit, pieces: usize) -> (Gateway, Vec<String>) {
    let mut gateway = kit.start();
    let client = gateway.client().await;
    let mut ids = Vec::new();
    for number in 0..pieces {
        ids.push(sent(&client, &format!("D-{number}")).await);
    }
    wait_for_status(&gateway, "acknowledged", pieces as u64);
    assert!(gateway.stop().success());
    (gateway, ids)
}
