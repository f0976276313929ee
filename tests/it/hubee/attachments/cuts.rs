//! Bodies that do not come to their end, and bodies that go on beyond it (R14).

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::{
    Body, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};

use super::{created, status};
use crate::{
    both_engines,
    kit::{
        document,
        hubee::{build::File, caller::try_finish, hub::Hub},
        wait,
    },
};

/// Long enough for a connection to be noticed as gone.
const SOON: Duration = Duration::from_secs(120);

both_engines! {
    /// R14: an upload that is cut half-way leaves the attachment as it was and nothing on the disk; sent again, it is taken.
    async fn an_upload_that_is_cut_leaves_nothing_and_is_sent_again(kit) {
        let hub = Hub::open(kit).await;
        let file = File::of("long.pdf", "application/pdf", document::pdf("long", 3_000_000));
        let sent = created(&hub, "C-1", std::slice::from_ref(&file)).await;
        let half = file.bytes.slice(..file.bytes.len() / 2);
        for whole_length in [true, false] {
            let pieces = stream::iter([Ok(half.clone()), Err(io::Error::other("cut"))]);
            let request = hub.osl.request(Method::PUT, &sent.file_path(0));
            let request = request.header(CONTENT_TYPE, "application/octet-stream");
            let request = match whole_length {
                true => request.header(CONTENT_LENGTH, file.bytes.len()),
                false => request,
            };
            let outcome = try_finish(request.body(Body::wrap_stream(pieces))).await;
            assert!(outcome.is_err(), "{outcome:?}");
        }
        assert_eq!(status(&hub.osl, &sent, 0).await, "PENDING");
        wait::until("end of what was cut", SOON, || hub.blobs().is_empty().then_some(()));
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        let got = hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert_eq!(got.body, file.bytes);
        hub.await_idle();
        hub.doctor();
    }

    /// R14: a body that goes on beyond the announced length is read to its end, and refused.
    async fn a_body_that_goes_on_is_refused_and_its_sender_reads_why(kit) {
        let hub = Hub::open(kit).await;
        let file = File::pdf("court");
        let sent = created(&hub, "C-2", std::slice::from_ref(&file)).await;
        let piece = Bytes::from(vec![b' '; 1 << 20]);
        let endless = stream::iter(std::iter::repeat_n(piece, 40)).map(Ok::<_, io::Error>);
        let start = stream::iter([Ok(file.bytes.clone())]);
        let request = hub.osl.request(Method::PUT, &sent.file_path(0));
        let request = request.header(CONTENT_TYPE, "application/octet-stream");
        let answer = try_finish(request.body(Body::wrap_stream(start.chain(endless)))).await;
        answer.expect("an answer is read").is_bad(&["size"]);
        assert_eq!(status(&hub.osl, &sent, 0).await, "REJECTED");
        assert!(hub.blobs().is_empty());
    }

    /// R14: an empty body is not the announced file.
    async fn an_empty_body_is_refused(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("C-3").await;
        hub.osl.upload(&sent.file_path(0), Bytes::new(), None).await.is_bad(&["size 0"]);
        assert_eq!(status(&hub.osl, &sent, 0).await, "REJECTED");
    }
}
