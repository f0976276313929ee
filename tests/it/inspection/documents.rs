//! What each fixture's controls say.

use navette::domain::processing::{
    Outcome::{self, Failed, LimitExceeded, Passed, Skipped},
    Results,
    Verdict::{self, Partial, Processed, Unprocessable},
};

use super::{control, document, fixture, outcomes, pool, run};

const PDF: [&str; 3] = ["pdf-opens", "pdf-encrypted", "pdf-pages"];
const IMAGE: [&str; 3] = ["image-decodes", "image-size", "image-resolution"];

async fn results(name: &str, declared: &str) -> Results {
    run(&pool().await, &document(fixture(name), declared)).await
}

fn expect(results: &Results, verdict: Verdict, codes: [&str; 3], expected: [Outcome; 3]) {
    assert_eq!(results.verdict, verdict);
    let facts = [("type", Passed), ("size", Passed), ("hash", Skipped)];
    let opened = codes.into_iter().zip(expected);
    assert_eq!(
        outcomes(results),
        facts.into_iter().chain(opened).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_invoice_opens_and_has_one_page() {
    let results = results("facture.pdf", "application/pdf").await;
    expect(&results, Processed, PDF, [Passed; 3]);
    assert_eq!(control(&results, "pdf-pages").detail, "1 page.");
}

#[tokio::test]
async fn the_statement_has_two_pages() {
    let results = results("attestation-2-pages.pdf", "application/pdf").await;
    expect(&results, Processed, PDF, [Passed; 3]);
    assert_eq!(control(&results, "pdf-pages").detail, "2 pages.");
}

#[tokio::test]
async fn scans_decode_and_tell_their_size_and_resolution() {
    let scans = [
        ("scan-recto.png", "image/png", "827 × 1169 pixels.", "100"),
        ("scan-verso.jpg", "image/jpeg", "827 × 1169 pixels.", "100"),
        ("plan.tiff", "image/tiff", "2339 × 1654 pixels.", "200"),
    ];
    for (name, declared, size, dpi) in scans {
        let results = results(name, declared).await;
        expect(&results, Processed, IMAGE, [Passed; 3]);
        assert_eq!(control(&results, "image-size").detail, size);
        let resolution = format!("{dpi} points par pouce.");
        assert_eq!(control(&results, "image-resolution").detail, resolution);
    }
}

#[tokio::test]
async fn a_pdf_cut_short_does_not_pass() {
    let results = results("bad/truncated.pdf", "application/pdf").await;
    assert_eq!(results.verdict, Unprocessable);
    let opens = control(&results, "pdf-opens");
    assert_eq!(
        (opens.outcome, opens.detail.contains("tronqué")),
        (Failed, true)
    );
}

#[tokio::test]
async fn a_pdf_whose_table_is_damaged_is_repaired_and_passes_in_part() {
    let mut bytes = fixture("facture.pdf").to_vec();
    let table = bytes
        .windows(5)
        .position(|window| window == b"xref\n")
        .unwrap();
    bytes[table..table + 4].copy_from_slice(b"####");
    let results = run(&pool().await, &document(bytes, "application/pdf")).await;
    expect(&results, Partial, PDF, [Failed, Passed, Passed]);
}

#[tokio::test]
async fn no_cut_scan_passes() {
    let pool = pool().await;
    for (name, declared) in [
        ("scan-recto.png", "image/png"),
        ("scan-verso.jpg", "image/jpeg"),
    ] {
        let whole = fixture(name);
        for part in 1..8 {
            let cut = whole.slice(..whole.len() * part / 8);
            let results = run(&pool, &document(cut, declared)).await;
            assert_eq!(results.verdict, Unprocessable, "{name}, {part}/8");
        }
    }
}

#[tokio::test]
async fn an_encrypted_pdf_is_told_and_its_pages_stay_unanswered() {
    let results = results("bad/encrypted.pdf", "application/pdf").await;
    expect(&results, Unprocessable, PDF, [Passed, Failed, Skipped]);
}

#[tokio::test]
async fn a_program_named_as_a_pdf_is_no_pdf() {
    for declared in ["application/pdf", "application/x-msdownload"] {
        let results = results("bad/program.pdf", declared).await;
        assert_eq!(results.verdict, Unprocessable);
        assert_eq!(control(&results, "type").outcome, Failed);
    }
    assert_eq!(fixture("bad/program.exe"), fixture("bad/program.pdf"));
}

#[tokio::test]
async fn an_empty_document_fails_by_its_size() {
    let results = results("bad/empty.bin", "application/pdf").await;
    assert_eq!(control(&results, "size").outcome, Failed);
}

#[tokio::test]
async fn bombs_end_as_a_limit_exceeded() {
    let bomb = results("bad/bomb.pdf", "application/pdf").await;
    expect(&bomb, Unprocessable, PDF, [LimitExceeded, Skipped, Skipped]);
    let bomb = results("bad/bomb.png", "image/png").await;
    expect(
        &bomb,
        Unprocessable,
        IMAGE,
        [LimitExceeded, Skipped, Skipped],
    );
}
