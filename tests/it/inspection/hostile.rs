//! Documents and circumstances that kill a child: the document gets its outcome, the next one gets a child.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use navette::{
    domain::processing::{ByteStream, Document, Opener, Outcome::LimitExceeded, Verdict},
    kernel::fault::Code,
    sandbox::{Pool, Settings},
};
use rustix::process::{Pid, Signal, kill_process};

use super::{control, document, fixture, run, settings};

/// A PDF of 8 MB whose one array holds four million numbers: each takes many times its two bytes once it is read.
fn swollen() -> Vec<u8> {
    let mut pdf =
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n[".to_vec();
    pdf.extend(b"1 ".repeat(4_000_000));
    let table = pdf.len() + 10;
    pdf.extend(
        b"]\nendobj\n\nxref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n",
    );
    pdf.extend(b"trailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n");
    pdf.extend(format!("{table}\n%%EOF\n").into_bytes());
    pdf
}

async fn one_child(change: impl FnOnce(Settings) -> Settings) -> Pool {
    let settings = Settings {
        children: 1,
        ..settings()
    };
    Pool::start(change(settings)).await.unwrap()
}

fn invoice() -> Document {
    document(fixture("facture.pdf"), "application/pdf")
}

fn signal(pool: &Pool, signal: Signal) -> Vec<u32> {
    let ids = pool.idle_process_ids();
    for id in &ids {
        let pid = Pid::from_raw(i32::try_from(*id).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
    ids
}

async fn passes(pool: &Pool) {
    assert_eq!(run(pool, &invoice()).await.verdict, Verdict::Processed);
}

/// The most memory that this process has held, in kilobytes.
fn peak_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_document_that_kills_its_child_by_its_memory_is_told_and_the_next_one_passes() {
    let pool = one_child(|settings| Settings {
        memory_bytes: 128 << 20,
        ..settings
    })
    .await;
    let before = pool.idle_process_ids();
    let results = run(&pool, &document(swollen(), "application/pdf")).await;
    assert_eq!(control(&results, "pdf-opens").outcome, LimitExceeded);
    passes(&pool).await;
    assert_ne!(pool.idle_process_ids(), before);
}

#[tokio::test]
async fn bombs_leave_the_parent_small() {
    let pool = one_child(|settings| settings).await;
    let before = peak_kilobytes();
    for (name, declared) in [
        ("bad/bomb.pdf", "application/pdf"),
        ("bad/bomb.png", "image/png"),
    ] {
        let results = run(&pool, &document(fixture(name), declared)).await;
        assert_eq!(results.verdict, Verdict::Unprocessable);
    }
    // Other tests of this process run beside: the bound is far above theirs and far below a bomb's.
    assert!(peak_kilobytes() - before < 200_000);
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_at_the_deadline() {
    let pool = one_child(|settings| Settings {
        deadline: Duration::from_millis(300),
        ..settings
    })
    .await;
    signal(&pool, Signal::STOP);
    let results = run(&pool, &invoice()).await;
    let opens = control(&results, "pdf-opens");
    assert_eq!(
        (opens.outcome, opens.detail.contains("temps")),
        (LimitExceeded, true)
    );
}

/// Load says nothing of a document: a child that gets no processor for many deadlines still answers.
#[tokio::test]
async fn a_child_that_the_machine_leaves_no_processor_is_waited_for() {
    let pool = one_child(|settings| Settings {
        deadline: Duration::from_millis(20),
        ..settings
    })
    .await;
    let crowd = crowd(Duration::from_millis(900));
    passes(&pool).await;
    crowd.into_iter().for_each(|one| one.join().unwrap());
}

/// Threads that take all processors for some time.
fn crowd(time: Duration) -> Vec<thread::JoinHandle<()>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let until = Instant::now() + time;
    let one = || {
        thread::spawn(move || {
            while Instant::now() < until {
                std::hint::spin_loop();
            }
        })
    };
    std::iter::repeat_with(one).take(2 * processors).collect()
}

#[tokio::test]
async fn a_child_killed_from_outside_does_not_lose_the_document() {
    let pool = one_child(|settings| settings).await;
    for _ in 0..10 {
        let killed = signal(&pool, Signal::KILL);
        passes(&pool).await;
        assert_ne!(pool.idle_process_ids(), killed);
    }
}

#[tokio::test]
async fn a_child_killed_in_mid_document_does_not_lose_it_either() {
    let pool = one_child(|settings| settings).await;
    let victim = pool.idle_process_ids()[0];
    let mut document = invoice();
    document.content = killing_content(victim, fixture("facture.pdf"));
    assert_eq!(run(&pool, &document).await.verdict, Verdict::Processed);
}

/// Content that kills `victim` between its two halves; killing it again when it is gone does nothing.
fn killing_content(
    victim: u32,
    bytes: bytes::Bytes,
) -> std::sync::Arc<dyn navette::domain::processing::Content> {
    let pid = Pid::from_raw(i32::try_from(victim).unwrap()).unwrap();
    std::sync::Arc::new(Opener(move || -> ByteStream {
        let (head, tail) = (bytes.slice(..100), bytes.slice(100..));
        let halves = [head, tail].into_iter().enumerate();
        Box::pin(futures_util::stream::iter(halves.map(
            move |(index, half)| {
                if index == 1 {
                    let _ = kill_process(pid, Signal::KILL);
                }
                Ok(half)
            },
        )))
    }))
}

#[tokio::test]
async fn a_stored_document_of_another_length_is_a_fault_of_ours_and_the_pool_goes_on() {
    let pool = one_child(|settings| settings).await;
    for wrong in [-1, 1] {
        let mut document = invoice();
        document.size = document.size.saturating_add_signed(wrong);
        let registry = navette::domain::processing::Registry::builtin();
        let fault = navette::domain::processing::run_all(&registry, &document, &pool).await;
        assert_eq!(fault.unwrap_err().code(), Code::Corrupt);
    }
    passes(&pool).await;
}

/// Damage in many places: bytes overwritten at regular distances, each time from another start.
fn damaged(whole: &[u8], round: usize) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let step = 1 + whole.len() / (1 + round % 7);
    for at in (round * 31 % whole.len()..whole.len()).step_by(step) {
        bytes[at] ^= (1 + round * 37 % 255) as u8;
    }
    bytes
}

#[tokio::test]
async fn no_damaged_document_is_a_fault_of_ours() {
    let pool = one_child(|settings| settings).await;
    for (name, declared) in [
        ("facture.pdf", "application/pdf"),
        ("bad/encrypted.pdf", "application/pdf"),
        ("scan-recto.png", "image/png"),
        ("scan-verso.jpg", "image/jpeg"),
        ("plan.tiff", "image/tiff"),
    ] {
        let whole = fixture(name);
        for round in 0..60 {
            let results = run(&pool, &document(damaged(&whole, round), declared)).await;
            assert!(results.controls.len() >= 3);
        }
    }
}
