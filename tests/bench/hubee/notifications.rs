//! The queue of notifications: how much longer its first page takes with a million stored than with a thousand.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    driver,
    figures::Figures,
    kit::{
        gateway::{Engine, Gateway, Kit},
        hubee::{
            FOLDERS,
            caller::Caller,
            referential::{self, OSL, PROCESS, SILENT},
        },
    },
};

/// Organisations that ask.
const ASKING: usize = 8;
/// Organisations that something waits for, when it is a million.
const ORGANIZATIONS: usize = 5000;
/// Readings of each question by each organisation.
const READINGS: usize = 60;

/// Measures both engines.
pub fn measure(figures: &mut Figures) {
    for (engine, label) in [(Engine::Sqlite, "sqlite"), (Engine::Postgres, "postgres")] {
        let runtime = Runtime::new().expect("threads can be started");
        let gateway = Kit::new(engine).with_hub().start();
        gateway.hub_import(&referential::world());
        gateway.hub_import(&organizations(0..ASKING));
        let callers = runtime.block_on(callers(&gateway));
        store(&gateway, engine, 0, 1000);
        let few = runtime.block_on(worst(&callers));
        gateway.hub_import(&organizations(ASKING..ORGANIZATIONS));
        store(&gateway, engine, 1000, 1_000_000);
        let many = runtime.block_on(worst(&callers));
        let [few, many] = [few, many].map(|time| time.as_secs_f64() * 1000.0);
        let name = |count| format!("worst p99 of {count} notifications, {label}");
        figures.line(&name("1,000"), few, "ms");
        figures.line(&name("1,000,000"), many, "ms");
        let growth = format!("notifications_p99_growth_{label}");
        figures.named(&growth, many / few, "at most 1.5");
    }
}

/// An id that no journey uses; branches of one made-up SIRET.
fn organization(number: usize) -> String {
    format!("SI-99820001800013-B{number:05}")
}

fn organizations(numbers: std::ops::Range<usize>) -> Value {
    let organizations = numbers.map(|number| referential::organization(&organization(number)));
    json!({
        "organizations": organizations.collect::<Vec<_>>(),
        "processes": [],
        "subscriptions": [],
    })
}

async fn callers(gateway: &Gateway) -> Vec<Caller> {
    let mut callers = Vec::new();
    for number in 0..ASKING {
        let processes = [PROCESS, SILENT];
        callers.push(Caller::register(gateway, &organization(number), "SI", &processes).await);
    }
    callers
}

/// The worst of: as pollers ask, one process, one process first, with the events' state.
async fn worst(callers: &[Caller]) -> Duration {
    let questions = [
        String::new(),
        format!("?processCode={PROCESS}"),
        format!("?processPriority={SILENT}&maxResult=25"),
        "?eventDetails=true".to_owned(),
    ];
    let mut worst = Duration::ZERO;
    for question in questions {
        let path = format!("{FOLDERS}/notifications{question}");
        worst = worst.max(p99(callers, &path).await);
    }
    worst
}

/// Each organisation in turn, after one reading ahead.
async fn p99(callers: &[Caller], path: &str) -> Duration {
    let mut latencies = Vec::new();
    for reading in 0..=READINGS {
        for caller in callers {
            // Bare of the contract's judgment, which would hide in both what grows.
            let asked = Instant::now();
            let answer = caller.request(Method::GET, path).send().await;
            let answer = answer.expect("the hub answers");
            let status = answer.status().as_u16();
            let body = answer.bytes().await.expect("to its end");
            let taken = asked.elapsed();
            let shown: Vec<Value> = serde_json::from_slice(&body).expect("a list");
            assert_eq!((status, shown.len()), (200, 25), "{path}");
            if reading > 0 {
                latencies.push(taken);
            }
        }
    }
    latencies.sort_unstable();
    driver::p99(&latencies)
}

/// Notifications `from..to`, a millisecond apart, dealt out in turn to the organisations that are there.
fn store(gateway: &Gateway, engine: Engine, from: usize, to: usize) {
    let count = match to {
        1000 => ASKING,
        _ => ORGANIZATIONS,
    };
    let born = 1_760_000_000_000_u64;
    let (numbers, id, zeros) = match engine {
        Engine::Sqlite => (
            format!(
                "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to} - 1)"
            ),
            format!("unhex(printf('%012x70008%015x', {born} + i, i))"),
            "zeroblob(16)",
        ),
        Engine::Postgres => (
            format!("WITH n(i) AS (SELECT generate_series({from}::bigint, {to} - 1))"),
            format!(
                "(lpad(to_hex({born} + i), 12, '0') || '70008' || lpad(to_hex(i), 15, '0'))::uuid"
            ),
            "'00000000-0000-0000-0000-000000000000'::uuid",
        ),
    };
    let seed = format!(
        "{numbers} INSERT INTO hub_notification (id, partner, environment, recipient, transmitter, \
         process_code, folder_id, case_id, event_id, created_at) \
         SELECT {id}, '{OSL}', 'essai', o.id, '{OSL}', \
         CASE WHEN (i / {count}) % 4 = 0 THEN '{SILENT}' ELSE '{PROCESS}' END, \
         {zeros}, {zeros}, NULL, ({born} + i) * 1000 \
         FROM n JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM hub_organization \
         WHERE branch_code LIKE 'B0%') o ON o.k = i % {count}; ANALYZE; SELECT 1"
    );
    gateway.sql(&seed);
}
