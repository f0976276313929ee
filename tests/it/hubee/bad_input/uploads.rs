//! Bytes that are not what was said, too many of them, too few.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::stream;
use reqwest::{Body, Method, header::CONTENT_TYPE};

use super::hub;
use crate::{
    both_engines,
    kit::hubee::{
        build::{self, File},
        caller::{finish, try_finish},
        hub::Hub,
        referential::LARGEST,
        sent::Sent,
    },
};

const OCTETS: &str = "application/octet-stream";

async fn one(hub: &Hub, external: &str, file: File) -> Sent {
    let files = [file];
    Sent::create(&hub.osl, &build::folder(external, &files), &files).await
}

async fn status(hub: &Hub, sent: &Sent) -> String {
    let read = hub.osl.get(&sent.path()).await.of(200).json();
    read["attachments"][0]["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn sha256(bytes: &[u8]) -> String {
    BASE64.encode(digest(&SHA256, bytes).as_ref())
}

both_engines! {
    /// R7, R14: one byte more or less than was said is refused and told as that alone, the file is none, and the right one
    /// replaces it.
    async fn a_size_off_by_one_is_rejected_and_mended(kit) {
        let hub = Hub::open(kit).await;
        let file = File::pdf("taille");
        let sent = one(&hub, "DGS-CERTD-0000000000300", file.clone()).await;
        let longer = [&file.bytes[..], b"\n"].concat();
        let shorter = file.bytes.slice(..file.bytes.len() - 1);
        for wrong in [Bytes::from(longer), shorter, Bytes::new()] {
            let told = format!("File size {} does not match its meta-data {}", wrong.len(), file.bytes.len());
            let answer = hub.osl.upload(&sent.file_path(0), wrong, None).await;
            answer.is_refused(400, &told);
            assert_eq!(status(&hub, &sent).await, "REJECTED");
            hub.osl.get(&sent.case_file_path(0, 0)).await.is_refused(404, "File is not found");
        }
        sent.upload(&hub.osl).await;
        assert_eq!(status(&hub, &sent).await, "RECEIVED");
        sent.complete(&hub.osl).await;
        hub.await_idle();
        hub.doctor();
        assert_eq!(hub.blobs().len(), 1, "what was rejected or replaced is gone");
    }

    /// R14: the digest is checked bare and with its name, and told with the file.
    async fn a_wrong_digest_is_rejected_and_the_right_one_is_told(kit) {
        let hub = Hub::open(kit).await;
        let file = File::pdf("empreinte");
        let sent = one(&hub, "DGS-CERTD-0000000000301", file.clone()).await;
        let right = sha256(&file.bytes);
        let wrong = sha256(b"autre chose");
        for digest in [wrong.clone(), format!("SHA-256={wrong}"), "n'importe quoi".to_owned()] {
            let answer = hub.osl.upload(&sent.file_path(0), file.bytes.clone(), Some(&digest)).await;
            assert_eq!(answer.status, 400, "{digest}: {answer:?}");
            assert_ne!(status(&hub, &sent).await, "RECEIVED");
        }
        for digest in [right.clone(), format!("SHA-256={right}")] {
            hub.osl.upload(&sent.file_path(0), file.bytes.clone(), Some(&digest)).await.of(204);
        }
        sent.complete(&hub.osl).await;
        let answer = hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert!(answer.header("digest").ends_with(&right), "{answer:?}");
        assert_eq!(answer.body, file.bytes);
    }

    /// R14: an upload that is cut half-way leaves nothing behind; sent again, it is whole.
    async fn an_upload_that_was_cut_is_sent_again(kit) {
        let hub = Hub::open(kit).await;
        let file = File::of("coupe.pdf", "application/pdf", crate::kit::document::pdf("coupe", 300_000));
        let sent = one(&hub, "DGS-CERTD-0000000000302", file.clone()).await;
        let (half, _) = file.bytes.split_at(150_000);
        let half = Bytes::copy_from_slice(half);
        let pieces = stream::iter([Ok(half), Err(std::io::Error::other("the line is cut"))]);
        let request = hub.osl.request(Method::PUT, &sent.file_path(0));
        let request = request.header(CONTENT_TYPE, OCTETS).header("content-length", file.bytes.len());
        let cut = try_finish(request.body(Body::wrap_stream(pieces))).await;
        assert!(cut.is_err(), "{cut:?}");
        crate::kit::wait::until("end of the cut upload", std::time::Duration::from_secs(20), || {
            hub.blobs().is_empty().then_some(())
        });
        let early = hub.osl.patch(&sent.path(), &serde_json::json!({ "globalStatus": "HUBEE_COMPLETED" })).await;
        assert_eq!(early.status, 400, "{early:?}");
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        let answer = hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert_eq!(answer.body, file.bytes);
        hub.doctor();
    }

    /// R14: once the folder is completed nothing is uploaded any more.
    async fn what_was_completed_takes_no_other_file(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000303").await;
        let answer = hub.osl.upload(&sent.file_path(0), sent.files[0].bytes.clone(), None).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        let answer = hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert_eq!(answer.body, sent.files[0].bytes);
    }
}

/// R14: what was declared as PDF and is a PNG is rejected; so is a text declared as an image.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_of_another_type_than_declared_is_rejected() {
    let hub = hub().await;
    let png = File::png("image");
    let text = Bytes::from_static(b"Bonjour, ceci est un texte.\n");
    for (number, (kind, bytes)) in [
        ("application/pdf", png.bytes.clone()),
        ("image/png", File::pdf("acte").bytes),
        ("image/png", text.clone()),
        ("application/pdf", text.clone()),
    ]
    .into_iter()
    .enumerate()
    {
        let sent = one(
            &hub,
            &format!("DGS-CERTD-000000000031{number}"),
            File::of("trompeur", kind, bytes),
        )
        .await;
        let answer = hub
            .osl
            .upload(&sent.file_path(0), sent.files[0].bytes.clone(), None)
            .await;
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
        answer.messages();
        assert_eq!(status(&hub, &sent).await, "REJECTED");
    }
    let sent = one(
        &hub,
        "DGS-CERTD-0000000000319",
        File::of("note.txt", "text/plain", text),
    )
    .await;
    sent.upload(&hub.osl).await;
}

/// R14: the largest is 1 GB: a byte more is not announced, and a body that does not end where it should is refused. What happens
/// to a body of a gigabyte and a byte is told in `attachments::memory`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_and_a_byte_is_refused() {
    let hub = hub().await;
    let mut file = File::pdf("grand");
    file.said["size"] = (LARGEST + 1).into();
    let folder = build::folder("DGS-CERTD-0000000000320", std::slice::from_ref(&file));
    hub.osl
        .post("/teledossiers/v1/folders", &folder)
        .await
        .is_bad(&["size"]);
    file.said["size"] = LARGEST.into();
    one(&hub, "DGS-CERTD-0000000000320", file).await;
    // A small one without a length that does not end where it should.
    let sent = one(&hub, "DGS-CERTD-0000000000321", File::pdf("sans-fin")).await;
    let pieces = stream::iter(std::iter::repeat_n(sent.files[0].bytes.clone(), 50));
    let pieces = futures_util::StreamExt::map(pieces, Ok::<_, std::io::Error>);
    let request = hub
        .osl
        .request(Method::PUT, &sent.file_path(0))
        .header(CONTENT_TYPE, OCTETS);
    let answer = finish(request.body(Body::wrap_stream(pieces))).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(status(&hub, &sent).await, "REJECTED");
}

/// R7, R8: files of a folder, an attachment or a case that does not exist, and of folders of others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_belongs_to_its_folder() {
    let hub = hub().await;
    let sent = hub.create("DGS-CERTD-0000000000330").await;
    let other = hub.create("DGS-CERTD-0000000000331").await;
    let nobody = "01999999-9999-7999-8999-999999999999";
    let bytes = sent.files[0].bytes.clone();
    let upload = async |path: String| {
        let answer = hub.osl.upload(&path, bytes.clone(), None).await;
        answer.is_refused(404, "Binary meta-data is not found");
    };
    let file = sent.attachment(0);
    upload(format!(
        "/teledossiers/v1/folders/{nobody}/attachments/{file}"
    ))
    .await;
    upload(format!("{}/attachments/{nobody}", sent.path())).await;
    let elsewhere = other.attachment(0);
    upload(format!("{}/attachments/{elsewhere}", sent.path())).await;
    let foreign = hub
        .other_osl
        .upload(&sent.file_path(0), bytes.clone(), None)
        .await;
    foreign.is_refused(403, "Unauthorized user");
    hub.osl
        .get(&sent.case_file_path(0, 0))
        .await
        .is_refused(404, "File is not found");
    let path = format!("{}/attachments/{nobody}", sent.case_path(0));
    let gone = hub.osl.get(&path).await;
    gone.is_refused(404, "File is not found");
}
