//! The pool itself: many documents on few children, children replaced, what a child cannot do.

use std::fs;

use futures_util::future::join_all;
use navette::{
    domain::processing::{Sandbox, Verdict},
    kernel::fault::Code,
    sandbox::{Pool, Settings},
};

use super::{document, fixture, pool, run, settings};

#[tokio::test]
async fn fifty_documents_at_once_share_two_children_among_bombs() {
    let pool = pool().await;
    let documents = (0..50).map(|index| match index % 10 {
        0 => document(fixture("bad/bomb.pdf"), "application/pdf"),
        1..5 => document(fixture("facture.pdf"), "application/pdf"),
        _ => document(fixture("scan-recto.png"), "image/png"),
    });
    let documents: Vec<_> = documents.collect();
    let all = join_all(documents.iter().map(|document| run(&pool, document))).await;
    for (index, results) in all.iter().enumerate() {
        let expected = match index % 10 {
            0 => Verdict::Unprocessable,
            _ => Verdict::Processed,
        };
        assert_eq!(results.verdict, expected);
    }
    assert!(pool.idle_process_ids().len() <= 2);
}

#[tokio::test]
async fn a_child_is_replaced_after_its_number_of_documents() {
    let settings = Settings {
        children: 1,
        documents_per_child: 2,
        ..settings()
    };
    let pool = Pool::start(settings).await.unwrap();
    let first = pool.idle_process_ids();
    let invoice = document(fixture("facture.pdf"), "application/pdf");
    run(&pool, &invoice).await;
    assert_eq!(pool.idle_process_ids(), first);
    run(&pool, &invoice).await;
    run(&pool, &invoice).await;
    assert_ne!(pool.idle_process_ids(), first);
}

#[tokio::test]
async fn an_inspection_given_up_by_its_caller_frees_its_seat() {
    let pool = Pool::start(Settings {
        children: 1,
        ..settings()
    })
    .await
    .unwrap();
    let invoice = document(fixture("facture.pdf"), "application/pdf");
    for _ in 0..20 {
        let inspection = pool.inspect("pdf", &invoice);
        tokio::select! { biased; _ = inspection => {}, () = tokio::task::yield_now() => {} }
    }
    assert_eq!(run(&pool, &invoice).await.verdict, Verdict::Processed);
}

#[tokio::test]
async fn children_hold_three_descriptors_nothing_of_our_environment_and_all_their_limits() {
    let pool = pool().await;
    for id in pool.idle_process_ids() {
        let proc = format!("/proc/{id}");
        assert_eq!(fs::read_dir(format!("{proc}/fd")).unwrap().count(), 3);
        let environment = fs::read_to_string(format!("{proc}/environ")).unwrap();
        assert_eq!(environment, "");
        let status = fs::read_to_string(format!("{proc}/status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1"));
        let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
        for (name, value) in [
            ("Max address space", "536870912"),
            ("Max open files", "3"),
            ("Max file size", "0"),
            ("Max core file size", "0"),
            ("Max processes", "0"),
        ] {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            assert_eq!(
                line[name.len()..].split_whitespace().next(),
                Some(value),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn children_go_with_their_pool() {
    let pool = pool().await;
    let ids = pool.idle_process_ids();
    drop(pool);
    for id in ids {
        let running = || match fs::read_to_string(format!("/proc/{id}/stat")) {
            Ok(stat) => !stat.contains(") Z "),
            Err(_) => false,
        };
        while running() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_program_that_is_no_child_is_told_when_the_pool_starts() {
    for program in ["/bin/false", "/bin/no-such-program"] {
        let settings = Settings::new(program.into());
        let fault = Pool::start(settings).await.err().unwrap();
        assert_eq!(fault.code(), Code::Unavailable);
    }
}
