use std::path::Path;

use navette::domain::hubee::import::{self, Progress};
use serde_json::{Value, json};

use crate::{
    both_engines, inside,
    kit::{
        gateway::Gateway,
        hubee::{
            REFERENTIAL,
            hub::Hub,
            referential::{
                OSL, OTHER_OSL, PROCESS, SI, identifier, organization, process, subscription, world,
            },
        },
    },
};

const FIXTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fixtures/hubee/referential.json"
);

fn run(gateway: &Gateway, file: &Path) -> Value {
    let told = gateway.run(&["hubee", "import", file.to_str().unwrap(), "--json"]);
    serde_json::from_str(&told.succeeded()).unwrap()
}

fn written(gateway: &Gateway, referential: &Value) -> std::path::PathBuf {
    let file = gateway.dir().join("import.json");
    std::fs::write(&file, referential.to_string()).unwrap();
    file
}

/// What the import of a referential did.
pub(super) fn imported(gateway: &Gateway, referential: &Value) -> Value {
    run(gateway, &written(gateway, referential))
}

/// Has a folder created between the look at the database and the first process that is written.
struct Interrupting<'a>(&'a Hub);

impl Progress for Interrupting<'_> {
    fn begin(&self, what: &'static str, _: usize) {
        if what == "processes" {
            let created = self.0.create("DGS-ENTRETEMPS");
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(created));
        }
    }

    fn advance(&self, _: usize) {}
}

fn tally(created: usize, replaced: usize, unchanged: usize) -> Value {
    json!({ "created": created, "replaced": replaced, "unchanged": unchanged })
}

both_engines! {
    /// HUB-7: the fixture makes a qualification hub in one command: administrations, a dozen processes, subscriptions; the
    /// same file again changes nothing.
    async fn the_fixture_is_imported_in_one_command(kit) {
        let gateway = kit.with_hub().start();
        let first = run(&gateway, Path::new(FIXTURE));
        assert_eq!(first["processes"], tally(12, 0, 0));
        assert_eq!(first["organizations"]["created"], gateway.count("SELECT count(*) FROM hub_organization"));
        assert_eq!(first["subscriptions"]["created"], gateway.count("SELECT count(*) FROM hub_subscription"));
        assert!(first["organizations"]["created"].as_i64() >= Some(20));
        let entries = gateway.count("SELECT count(*) FROM journal WHERE kind = 'referential.changed'");
        let again = run(&gateway, Path::new(FIXTURE));
        for (kind, before) in first.as_object().unwrap() {
            assert_eq!(again[kind], json!({ "created": 0, "replaced": 0, "unchanged": before["created"] }), "{kind}");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'referential.changed'"), entries);
    }

    /// What differs is replaced, what is new created, nothing else touched; each change has its journal entry.
    async fn an_import_replaces_what_differs(kit) {
        let gateway = kit.with_hub().start();
        gateway.hub_import(&world());
        let mut renamed = organization(SI);
        renamed["name"] = "Renommée".into();
        let mut mailed = subscription(SI, PROCESS);
        mailed["email"] = "alerte@exemple.fr".into();
        let file = written(&gateway, &json!({
            "organizations": [renamed, organization("SI-99820001800013-9")],
            "processes": [process(PROCESS, OSL)],
            "subscriptions": [mailed, subscription("SI-99820001800013-9", PROCESS)],
        }));
        let told = run(&gateway, &file);
        assert_eq!(told["organizations"], tally(1, 1, 0));
        assert_eq!(told["processes"], tally(0, 0, 1));
        assert_eq!(told["subscriptions"], tally(1, 1, 0));
        assert_eq!(gateway.count("SELECT count(*) FROM hub_organization WHERE name = 'Renommée'"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM hub_subscription"), 6);
        assert_eq!(gateway.count("SELECT CAST(sum(n) AS bigint) FROM hub_subscription_count"), 6);
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE detail LIKE '%replaced%'"), 2);
    }

    /// A file of hundreds is written in parts: interrupted anywhere, what is written is whole, with its journal entries and the
    /// totals of the lists, and run again it does the rest.
    async fn a_large_import_that_is_interrupted_is_run_again(kit) {
        let gateway = kit.with_hub().without_worker().start();
        let ids: Vec<String> = (0..500).map(|n| format!("SI-99820003400010-{n:05}")).collect();
        let organizations: Vec<Value> = [OSL].into_iter().chain(ids.iter().map(String::as_str)).map(organization).collect();
        let subscriptions: Vec<Value> = ids.iter().map(|id| subscription(id, PROCESS)).collect();
        let file = written(&gateway, &json!({
            "organizations": organizations, "processes": [process(PROCESS, OSL)], "subscriptions": subscriptions,
        }));
        let arguments = ["hubee", "import", file.to_str().unwrap()];
        // After two batches of organisations; then after the rest of them, the process and two batches of subscriptions.
        for (batch, there) in [(2, [400, 0, 0]), (4, [501, 1, 400])] {
            gateway.run_until_death(&arguments, &format!("hub-import.after-batch:{batch}"));
            let count = |table: &str| gateway.count(&format!("SELECT count(*) FROM {table}"));
            assert_eq!(["hub_organization", "hub_process", "hub_subscription"].map(count), there);
            let entries = "journal WHERE kind = 'referential.changed'";
            assert_eq!(count(entries), there.iter().sum::<u64>(), "each has its entry");
            let counted = "SELECT CAST(COALESCE(sum(n), 0) AS bigint) FROM hub_subscription_count";
            assert_eq!(gateway.count(counted), there[2]);
        }
        let told = run(&gateway, &file);
        assert_eq!(told["organizations"], tally(0, 0, 501), "{told}");
        assert_eq!(told["processes"], tally(0, 0, 1), "{told}");
        assert_eq!(told["subscriptions"], tally(100, 0, 400), "{told}");
        assert_eq!(gateway.count("SELECT count(*) FROM hub_subscription"), 500);
        assert_eq!(run(&gateway, &file)["subscriptions"], tally(0, 0, 500));
        gateway.doctor();
    }

    /// R7: of a large file every fault is told at once, up to a hundred, and nothing of it is written.
    async fn the_faults_of_a_large_file_are_told_at_once(kit) {
        let gateway = kit.with_hub().start();
        let mut organizations: Vec<Value> = (0..1_000).map(|n| organization(&format!("SI-99820003400010-{n:05}"))).collect();
        for number in (0..1_000).step_by(5) {
            organizations[number]["name"] = Value::Null;
        }
        let file = written(&gateway, &json!({ "organizations": organizations }));
        let told = gateway.run(&["hubee", "import", file.to_str().unwrap()]).failed_with(2);
        for place in [0, 5, 495] {
            assert!(told.contains(&format!("#/organizations/{place}/name")), "{place}: {told}");
        }
        assert!(told.contains("and 100 more"), "{told}");
        assert_eq!(gateway.count("SELECT count(*) FROM hub_organization"), 0);
    }

    /// R7: a file with faults is refused whole, and every fault is told with its place.
    async fn a_faulty_file_is_refused_whole(kit) {
        let gateway = kit.with_hub().start();
        let mut nameless = organization("SI-99820001800013-9");
        nameless["name"] = Value::Null;
        let file = written(&gateway, &json!({
            "organizations": [organization(SI), nameless, organization(SI)],
            "processes": [process("a/b", OSL)],
            "subscriptions": [subscription(SI, PROCESS)],
        }));
        let arguments = ["hubee", "import", file.to_str().unwrap()];
        let told = gateway.run(&arguments).failed_with(2);
        for fault in ["#/organizations/1/name", "#/processes/0/code", "stands in the file more than once"] {
            assert!(told.contains(fault), "{fault}: {told}");
        }
        written(&gateway, &json!({ "processes": [process(PROCESS, OSL)], "subscriptions": [subscription(SI, "RIEN")] }));
        let told = gateway.run(&arguments).failed_with(2);
        for fault in [format!("{OSL} does not exist"), format!("{SI} does not exist"), "Process RIEN".to_owned()] {
            assert!(told.contains(&fault), "{fault}: {told}");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM hub_organization"), 0);
        std::fs::write(gateway.dir().join("import.json"), "{ pas du JSON").unwrap();
        let told = gateway.run(&arguments).failed_with(2);
        assert!(told.contains("not a JSON document"), "{told}");
        gateway.run(&["hubee", "import", "absent.json"]).failed_with(2);
    }

    /// R20: a folder that comes while a file is imported keeps its process with its owner, though the file was held against the database
    /// before.
    async fn a_process_whose_folders_come_during_an_import_stays_with_its_owner(kit) {
        let hub = Hub::open(kit).await;
        let house = inside::house(&hub).await;
        let mut renamed = organization(SI);
        renamed["name"] = "Renommée".into();
        let file = json!({ "organizations": [renamed], "processes": [process(PROCESS, OTHER_OSL)] });
        let told = import::run(&house.ctx, file, "essai", &Interrupting(&hub)).await.unwrap_err();
        assert!(told.to_string().contains(&format!("Process {PROCESS} has folders and stays with {OSL}")), "{told}");
        let read = hub.admin.get(&format!("{REFERENTIAL}/processes/{PROCESS}")).await.of(200).json();
        assert_eq!(read["osl"], identifier(OSL));
        assert_eq!(hub.count("SELECT count(*) FROM hub_organization WHERE name = 'Renommée'"), 1, "what came before is imported");
    }
}
