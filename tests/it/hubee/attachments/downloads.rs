//! What is handed out, how, and what is no file (R14, R20).

use reqwest::{
    Method,
    header::{IF_NONE_MATCH, RANGE},
};

use super::{created, digest};
use crate::{
    both_engines,
    kit::{
        document,
        hubee::{
            FOLDERS,
            build::{self, File},
            caller::finish,
            hub::Hub,
            referential::{OTHER_SI, SI},
            sent::Sent,
        },
    },
};

/// An id that nothing has.
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

both_engines! {
    /// R14: a file comes as it was sent, with its digest in base64, whole, in part, or not again.
    async fn a_file_comes_whole_in_part_or_not_again(kit) {
        let hub = Hub::open(kit).await;
        let file = File::of("grand.pdf", "application/pdf", document::pdf("grand", 700_000));
        let sent = created(&hub, "D-1", std::slice::from_ref(&file)).await;
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        let path = sent.case_file_path(0, 0);
        let whole = hub.si.get(&path).await.of(200);
        assert_eq!(whole.body, file.bytes);
        assert_eq!(whole.header("digest"), digest(&file.bytes));
        assert_eq!(whole.header("content-type"), "application/octet-stream");
        assert_eq!(whole.header("content-length"), "700000");
        assert!(whole.header("content-disposition").contains("grand.pdf"));
        for (asked, from, to) in [
            ("bytes=0-0", 0, 1),
            ("bytes=65530-65545", 65_530, 65_546),
            ("bytes=600000-", 600_000, 700_000),
            ("bytes=-10", 699_990, 700_000),
        ] {
            let request = hub.si.request(Method::GET, &path).header(RANGE, asked);
            let part = finish(request).await.of(206);
            assert_eq!(part.body, file.bytes.slice(from..to), "{asked}");
            assert_eq!(part.header("content-range"), format!("bytes {from}-{}/700000", to - 1));
            assert_eq!(part.header("digest"), digest(&file.bytes));
        }
        let request = hub.si.request(Method::GET, &path).header(RANGE, "bytes=700000-");
        let outside = finish(request).await.of(416);
        assert_eq!(outside.header("content-range"), "bytes */700000");
        assert_eq!(outside.messages().len(), 1);
        let request = hub.si.request(Method::GET, &path).header(IF_NONE_MATCH, whole.header("etag"));
        assert!(finish(request).await.of(304).body.is_empty());
    }

    /// R14: what was not sent, or not as announced, is no file; nor is one of another case.
    async fn what_is_not_received_is_no_file(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("un"), File::pdf("deux"), File::pdf("trois")];
        let mut folder = build::folder_to("D-2", &[SI, OTHER_SI], &files);
        folder["attachments"][2]["recipients"] = serde_json::json!([build::case_of("D-2", 1)]);
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        hub.osl.upload(&sent.file_path(1), "autre chose", None).await.is_bad(&["size"]);
        hub.osl.upload(&sent.file_path(2), files[2].bytes.clone(), None).await.of(204);
        for number in [0, 1] {
            hub.osl.get(&sent.case_file_path(0, number)).await.is_refused(404, "File is not found");
        }
        hub.osl.get(&sent.case_file_path(0, 2)).await.of(200);
        hub.osl.get(&sent.case_file_path(1, 2)).await.is_refused(404, "File is not found");
        for path in [
            format!("{}/attachments/{NOBODY}", sent.case_path(0)),
            format!("{FOLDERS}/cases/{NOBODY}/attachments/{}", sent.attachment(2)),
        ] {
            hub.osl.get(&path).await.is_refused(404, "File is not found");
        }
    }

    /// R20, R8: a file is for its case's recipient, the OSL of the process and ADMIN.
    async fn a_file_is_for_the_two_sides_of_its_case(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("D-3").await;
        let path = sent.case_file_path(0, 0);
        for caller in [&hub.si, &hub.osl, &hub.admin] {
            assert_eq!(caller.get(&path).await.of(200).body, sent.files[0].bytes);
        }
        for caller in [&hub.other_si, &hub.other_osl, &hub.datapass] {
            caller.get(&path).await.is_refused(403, "Unauthorized user");
        }
        hub.si.without_token().get(&path).await.is_no_token();
    }

    /// R14: a file that is damaged on our disk is told as our fault, and is an incident of its folder.
    async fn a_damaged_file_is_our_fault_and_an_incident(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("D-4").await;
        let blob = hub.blobs().remove(0);
        crate::kit::gateway::damage(&blob);
        assert_eq!(hub.si.get(&sent.case_file_path(0, 0)).await.status, 500);
        assert_eq!(hub.count("SELECT count(*) FROM incident WHERE code = 'corrupt-blob'"), 1);
    }
}
