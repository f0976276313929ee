//! Every way in which a hub may disagree with itself, provoked télédossier by télédossier, found by one inspection.

use crate::{both_engines, kit::hubee::hub::Hub};

/// What is done to a télédossier (`ID` stands for it, `NOTHING` for one zero byte), and the codes that tell it under its id.
const ROWS: &[(&str, &[&str])] = &[
    (
        "DELETE FROM hub_case WHERE folder_id = ID",
        &["folder-broken", "folder-missing"],
    ),
    (
        "DELETE FROM hub_folder WHERE id = ID",
        &["folder-broken", "folder-missing"],
    ),
    (
        "DELETE FROM hub_attachment WHERE folder_id = ID",
        &["folder-missing"],
    ),
    (
        "DELETE FROM hub_case_attachment WHERE folder_id = ID",
        &["attachment-broken"],
    ),
    (
        "DELETE FROM document WHERE exchange_id = ID",
        &["attachment-broken"],
    ),
    (
        "UPDATE hub_attachment SET status = 'DELETED' WHERE folder_id = ID",
        &["attachment-broken"],
    ),
    (
        "UPDATE hub_folder SET notified_at = NULL WHERE id = ID",
        &["folder-broken"],
    ),
    (
        "UPDATE hub_attachment SET status = 'PENDING' WHERE folder_id = ID",
        &["folder-broken"],
    ),
    (
        "UPDATE exchange SET metadata = NOTHING WHERE id = ID",
        &["metadata-damaged"],
    ),
    ("DELETE FROM exchange WHERE id = ID", &["exchange-missing"]),
];

both_engines! {
    /// Each damage is told under the télédossier's id, and the sound ones are not.
    async fn an_inspection_finds_every_damage_of_the_hubs_rows(kit) {
        let hub = Hub::open(kit).await;
        let mut expected = Vec::new();
        let nothing = match hub.database() {
            Some(_) => r"'\x00'",
            None => "x'00'",
        };
        let mut broken = Vec::new();
        for (number, (statement, codes)) in ROWS.iter().enumerate() {
            let sent = hub.send(&format!("DGS-DEGAT-{number}")).await;
            let id = hub.id(sent.id());
            broken.push(statement.replace("ID", &id).replace("NOTHING", nothing));
            expected.extend(codes.iter().map(|code| ((*code).to_owned(), sent.id().to_owned())));
        }
        hub.send("DGS-SAIN").await;
        hub.await_idle();
        hub.doctor();
        for statement in broken {
            hub.sql(&format!("{statement}; SELECT 1"));
        }
        expected.sort();
        assert_eq!(hub.differences(), expected);
    }
}
