//! File names: a name is a label that is shown, never a path that is opened.

use serde_json::json;

use super::{Desk, fault};
use crate::{
    both_engines,
    kit::{client::metadata, contract::Contract, document},
};

both_engines! {
    async fn a_name_that_could_lead_or_mislead_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        for name in [
            "../../etc/passwd", "..", ".", "/etc/passwd", "a/b.pdf", "a\\b.pdf", "C:\\x.pdf", "nul\u{0}.pdf", "",
            "cr\r\nX-Injected: 1.pdf", "line\u{85}.pdf", "droite\u{202e}fdp.exe", "marque\u{200f}.pdf", "isole\u{2066}.pdf",
        ] {
            let mut sent = metadata("D-1");
            sent["fileName"] = json!(name);
            let answer = desk.client.push(&sent, document::small("x")).await;
            desk.refuses(&answer, 422, "invalid");
            assert_eq!(answer.faults(), [fault("/metadata/fileName", "invalid")], "{name:?}");
            assert!(!Contract::load().value_faults("Metadata", &sent).is_empty(), "the contract takes {name:?}");
        }
    }

    async fn a_name_of_ten_thousand_characters_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let mut sent = metadata("D-1");
        sent["fileName"] = json!("é".repeat(10_000));
        let answer = desk.client.push(&sent, document::small("x")).await;
        desk.refuses(&answer, 422, "too-long");
    }

    /// Nor is it a header: whatever it holds comes back as the one name of the one file.
    async fn a_strange_name_that_is_allowed_comes_back_as_it_was_given(kit) {
        let desk = Desk::open(kit).await;
        let longest = format!("{}.pdf", "é".repeat(251));
        for (number, name) in ["a\"b;c=d.pdf", "100%.pdf", "日本語 éà.pdf", "-rf", "CON", "x'y", &longest].iter().enumerate() {
            let mut sent = metadata(&format!("D-{number}"));
            sent["fileName"] = json!(name);
            let id = desk.client.push(&sent, document::small(name)).await.reconciliation_id();
            let shown = desk.client.get(&format!("/v1/pieces/{id}")).await;
            assert_eq!(shown.json()["metadata"]["fileName"], *name);
            let content = desk.client.get(&format!("/v1/pieces/{id}/content")).await;
            let encoded = content.header("content-disposition").rsplit_once("UTF-8''").unwrap().1.to_owned();
            assert_eq!(unescaped(&encoded), name.as_bytes(), "{encoded}");
        }
    }

    /// The name of the part is nobody's: only that of the metadata counts.
    async fn the_name_that_the_part_carries_does_not_count(kit) {
        let desk = Desk::open(kit).await;
        let part = crate::kit::client::file_part(document::small("x")).file_name("../../../tmp/evil.pdf");
        let form = reqwest::multipart::Form::new()
            .part("metadata", crate::kit::client::json_part(metadata("D-1").to_string()))
            .part("content", part);
        let id = desk.client.push_form(form).await.reconciliation_id();
        let content = desk.client.get(&format!("/v1/pieces/{id}/content")).await;
        assert!(content.header("content-disposition").contains("facture.pdf"));
    }
}

/// The bytes behind percent signs.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut found = Vec::new();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            plain => plain,
        };
        found.push(byte);
    }
    found
}
