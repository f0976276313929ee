//! What is taken, what is refused and why, what replaces what (R14).

use serde_json::json;

use super::{created, digest, status};
use crate::{
    both_engines,
    kit::{
        document,
        hubee::{FOLDERS, build::File, hub::Hub},
    },
};

/// A PNG by its first bytes.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
/// An id that nothing has.
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A file announced one way and sent another.
fn sent_as(mime_type: &str, announced: usize, bytes: &[u8]) -> File {
    let mut file = File::of("fichier", mime_type, bytes.to_vec());
    file.said["size"] = announced.into();
    file
}

both_engines! {
    /// R14: a file that is what was announced is RECEIVED, and the journal has its digest.
    async fn a_file_that_is_what_was_announced_is_received(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("un"), File::of("deux.txt", "text/plain", "deux")];
        let sent = created(&hub, "F-1", &files).await;
        assert_eq!(status(&hub.osl, &sent, 0).await, "PENDING");
        hub.osl.upload(&sent.file_path(0), files[0].bytes.clone(), None).await.of(204);
        assert_eq!(status(&hub.osl, &sent, 0).await, "RECEIVED");
        assert_eq!(status(&hub.osl, &sent, 1).await, "PENDING");
        let entries = "SELECT count(*) FROM journal WHERE kind = 'attachment.received'";
        assert_eq!(hub.count(entries), 1);
        hub.await_idle();
        hub.doctor();
    }

    /// R14: a length that differs by one byte, either way, makes the attachment REJECTED; the right file then takes its place.
    async fn a_length_that_differs_by_one_byte_is_refused(kit) {
        let hub = Hub::open(kit).await;
        let pdf = document::small("taille");
        let files = [
            sent_as("application/pdf", pdf.len() + 1, &pdf),
            sent_as("application/pdf", pdf.len() - 1, &pdf),
        ];
        let sent = created(&hub, "F-2", &files).await;
        for (number, file) in files.iter().enumerate() {
            let answer = hub.osl.upload(&sent.file_path(number), file.bytes.clone(), None).await;
            let announced = file.said["size"].to_string();
            answer.is_bad(&[&pdf.len().to_string(), &announced]);
            assert_eq!(status(&hub.osl, &sent, number).await, "REJECTED");
        }
        assert!(hub.blobs().is_empty(), "nothing is kept of what was refused");
        let one_less = document::pdf("taille", pdf.len() - 1);
        hub.osl.upload(&sent.file_path(1), one_less, None).await.of(204);
        assert_eq!(status(&hub.osl, &sent, 1).await, "RECEIVED");
    }

    /// R14: a PNG declared as PDF is refused by its content.
    async fn a_content_of_another_type_than_declared_is_refused(kit) {
        let hub = Hub::open(kit).await;
        let file = File::of("image.pdf", "application/pdf", PNG);
        let sent = created(&hub, "F-3", std::slice::from_ref(&file)).await;
        let answer = hub.osl.upload(&sent.file_path(0), PNG, None).await;
        answer.is_bad(&["image/png", "application/pdf"]);
        assert_eq!(status(&hub.osl, &sent, 0).await, "REJECTED");
        let complete = json!({ "globalStatus": "HUBEE_COMPLETED" });
        hub.osl.patch(&sent.path(), &complete).await.is_bad(&[]);
    }

    /// R14: the digest is checked where it is said, bare or named; another one, or none that can be read, is refused.
    async fn a_digest_is_checked_where_it_is_said(kit) {
        let hub = Hub::open(kit).await;
        let file = File::pdf("empreinte");
        let sent = created(&hub, "F-4", std::slice::from_ref(&file)).await;
        let (path, right) = (sent.file_path(0), digest(&file.bytes));
        for header in [right.clone(), format!("SHA-256={right}"), format!("sha-256={right}")] {
            hub.osl.upload(&path, file.bytes.clone(), Some(&header)).await.of(204);
            assert_eq!(status(&hub.osl, &sent, 0).await, "RECEIVED", "{header}");
        }
        for header in [digest(b"autre"), format!("SHA-256={}", digest(b"autre")), "n'importe quoi".to_owned()] {
            let answer = hub.osl.upload(&path, file.bytes.clone(), Some(&header)).await;
            answer.is_bad(&["digest"]);
            assert_eq!(status(&hub.osl, &sent, 0).await, "REJECTED", "{header}");
        }
        hub.osl.upload(&path, file.bytes.clone(), Some(&right)).await.of(204);
        assert_eq!(status(&hub.osl, &sent, 0).await, "RECEIVED");
    }

    /// R7: whatever is wrong with a file is told at once.
    async fn everything_that_is_wrong_with_a_file_is_told_at_once(kit) {
        let hub = Hub::open(kit).await;
        let file = sent_as("application/pdf", PNG.len() + 1, PNG);
        let sent = created(&hub, "F-5", std::slice::from_ref(&file)).await;
        let answer = hub.osl.upload(&sent.file_path(0), PNG, Some(&digest(b"autre"))).await;
        answer.is_bad(&["size", "mime type", "digest"]);
        assert_eq!(answer.messages().len(), 3);
    }

    /// R14: a file is replaced as often as its sender likes, until the folder is completed.
    async fn a_file_is_replaced_until_its_folder_is_completed(kit) {
        let hub = Hub::open(kit).await;
        let file = File::pdf("premier");
        let sent = created(&hub, "F-6", std::slice::from_ref(&file)).await;
        sent.upload(&hub.osl).await;
        let second = document::small("second!");
        assert_eq!(second.len(), file.bytes.len());
        hub.osl.upload(&sent.file_path(0), second.clone(), None).await.of(204);
        sent.complete(&hub.osl).await;
        hub.osl.upload(&sent.file_path(0), file.bytes.clone(), None).await.is_bad(&["completed"]);
        let got = hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert_eq!(got.body, second);
        assert_eq!(hub.count("SELECT count(*) FROM document WHERE role = 'attachment'"), 1);
        hub.await_idle();
        hub.doctor();
    }

    /// R8, R14: 404 for what does not exist, 403 for what is another's; nothing of the body is kept.
    async fn only_the_sender_fills_an_attachment_and_only_its_own(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("F-7").await;
        let other = hub.create("F-8").await;
        let bytes = sent.files[0].bytes.clone();
        let of = |folder: &str, attachment: &str| format!("{FOLDERS}/folders/{folder}/attachments/{attachment}");
        for path in [of(NOBODY, sent.attachment(0)), of(sent.id(), NOBODY), of(sent.id(), other.attachment(0))] {
            let answer = hub.osl.upload(&path, bytes.clone(), None).await;
            answer.is_refused(404, "Binary meta-data is not found");
        }
        let path = sent.file_path(0);
        for caller in [&hub.other_osl, &hub.si, &hub.datapass] {
            caller.upload(&path, bytes.clone(), None).await.is_refused(403, "Unauthorized user");
        }
        hub.osl.without_token().upload(&path, bytes.clone(), None).await.is_no_token();
        hub.osl.upload(&of("dddddd", NOBODY), bytes.clone(), None).await.is_bad(&["UUID"]);
        assert!(hub.blobs().is_empty());
        hub.admin.upload(&path, bytes, None).await.of(204);
    }

    /// R13: format, type and size of an announced file are held to the process, all faults at once.
    async fn what_is_announced_is_held_to_the_process(kit) {
        let hub = Hub::open(kit).await;
        let mut file = File::of("page.html", "text/html", "<html>");
        file.said["type"] = "inconnu".into();
        file.said["size"] = json!(crate::kit::hubee::referential::LARGEST + 1);
        let folder = crate::kit::hubee::build::folder("F-9", std::slice::from_ref(&file));
        let answer = hub.osl.post(&format!("{FOLDERS}/folders"), &folder).await;
        answer.is_bad(&["text/html", "inconnu", "attachments/0/size"]);
    }
}
