use std::path::Path;

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        gateway::Gateway,
        hubee::referential::{OSL, PROCESS, SI, organization, process, subscription, world},
    },
};

const FIXTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fixtures/hubee/referential.json"
);

fn import(gateway: &Gateway, file: &Path) -> Value {
    let told = gateway.run(&["hubee", "import", file.to_str().unwrap(), "--json"]);
    serde_json::from_str(&told.succeeded()).unwrap()
}

fn written(gateway: &Gateway, referential: &Value) -> std::path::PathBuf {
    let file = gateway.dir().join("import.json");
    std::fs::write(&file, referential.to_string()).unwrap();
    file
}

fn tally(created: usize, replaced: usize, unchanged: usize) -> Value {
    json!({ "created": created, "replaced": replaced, "unchanged": unchanged })
}

both_engines! {
    /// HUB-7: the fixture makes a qualification hub in one command: administrations, a dozen processes, subscriptions; the
    /// same file again changes nothing.
    async fn the_fixture_is_imported_in_one_command(kit) {
        let gateway = kit.with_hub().start();
        let first = import(&gateway, Path::new(FIXTURE));
        assert_eq!(first["processes"], tally(12, 0, 0));
        assert_eq!(first["organizations"]["created"], gateway.count("SELECT count(*) FROM hub_organization"));
        assert_eq!(first["subscriptions"]["created"], gateway.count("SELECT count(*) FROM hub_subscription"));
        assert!(first["organizations"]["created"].as_i64() >= Some(20));
        let entries = gateway.count("SELECT count(*) FROM journal WHERE kind = 'referential.changed'");
        let again = import(&gateway, Path::new(FIXTURE));
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
        let told = import(&gateway, &file);
        assert_eq!(told["organizations"], tally(1, 1, 0));
        assert_eq!(told["processes"], tally(0, 0, 1));
        assert_eq!(told["subscriptions"], tally(1, 1, 0));
        assert_eq!(gateway.count("SELECT count(*) FROM hub_organization WHERE name = 'Renommée'"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM hub_subscription"), 6);
        assert_eq!(gateway.count("SELECT CAST(sum(n) AS bigint) FROM hub_subscription_count"), 6);
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE detail LIKE '%replaced%'"), 2);
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
}
