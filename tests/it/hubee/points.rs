//! A death before, within and after the transaction of an upload and of a completion.

use std::os::unix::process::ExitStatusExt;

use navette::kernel::failpoint;

use super::delivery;
use crate::{
    both_engines,
    kit::hubee::{
        build::{self, File},
        hub::Hub,
        referential::{OTHER_SI, SI},
        sent::Sent,
    },
};

/// Those that an upload meets.
const UPLOAD: [&str; 2] = ["attachment.before-commit", "attachment.after-commit"];

both_engines! {
    /// R15, guaranteed delivery: killed at each named point, a folder is not completed, or notified whole; its sender goes on.
    async fn a_death_at_any_named_point_leaves_a_folder_whole(kit) {
        let mut hub = Hub::open(kit.set("worker.lease_seconds", 2)).await;
        let of_completion = failpoint::HUB.iter().copied().filter(|point| point.starts_with("hub."));
        let points: Vec<&str> = UPLOAD.into_iter().chain(of_completion).collect();
        assert!(points.len() > 4, "{points:?}");
        let mut completed = Vec::new();
        for (number, point) in points.into_iter().enumerate() {
            let external = format!("DGS-POINT-{number:013}");
            let files = [File::pdf(&external), File::png("commun")];
            let folder = build::folder_to(&external, &[SI, OTHER_SI], &files);
            let sent = Sent::create(&hub.osl, &folder, &files).await;
            hub.await_idle();
            assert!(hub.gateway.stop().success(), "before {point}");
            hub.gateway.restart_with(&[("NAVETTE_FAILPOINT".to_owned(), point.to_owned())]);
            let (osl, going) = (hub.osl.clone(), sent.clone());
            let sending = tokio::spawn(async move { delivery::finish(&osl, &going).await });
            let end = tokio::task::block_in_place(|| hub.gateway.ended());
            assert_eq!(end.signal(), Some(9), "{point}: {end:?}");
            hub.gateway.restart_with(&[]);
            sending.await.unwrap();
            completed.push(sent);
        }
        delivery::is_whole(&hub, &completed).await;
    }
}
