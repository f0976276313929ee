use serde_json::{Value, json};

use super::subscriptions::path;
use crate::{
    both_engines,
    kit::hubee::{
        hub::Hub,
        referential::{FOREIGN, OSL, PROCESS, SILENT, organization, process, subscription},
    },
};

/// How many are imported beside those of the world.
const MANY: usize = 300;

/// A hub with many subscriptions to one process, each unlike the others.
async fn many(kit: crate::kit::gateway::Kit) -> Hub {
    let hub = Hub::open(kit).await;
    let id = |n: usize| format!("SI-99820003400010-{n:04}");
    let organizations: Vec<_> = (0..MANY).map(|n| organization(&id(n))).collect();
    let subscriptions = (0..MANY).map(|n| {
        let mut one = subscription(&id(n), "LISTE");
        one["datapassId"] = (50_000 - n).into();
        one["status"] = ["Actif", "Inactif", "Refusé"][n % 3].into();
        one["accessMode"] = [json!("API"), json!("PORTAIL"), Value::Null][n % 3].clone();
        one["email"] = match n % 2 {
            0 => format!("m{:04}@exemple.fr", (n * 7) % MANY).into(),
            _ => Value::Null,
        };
        one["endDateTime"] = match n % 2 {
            0 => Value::Null,
            _ => format!("2031-01-01T00:{:02}:{:02}Z", n / 60, n % 60).into(),
        };
        one
    });
    let subscriptions: Vec<Value> = subscriptions.collect();
    hub.hub_import(&json!({
        "organizations": organizations, "processes": [process("LISTE", OSL)], "subscriptions": subscriptions,
    }));
    hub
}

fn column(list: &Value, name: &str) -> Vec<Value> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one[name].clone()).collect()
}

both_engines! {
    /// R53: filters by process, status, SIRET, delegated actor's mail and datapassId, and all of them together.
    async fn subscriptions_are_narrowed_as_asked_for(kit) {
        let hub = many(kit).await;
        let total = async |query: &str| {
            let answer = hub.admin.get(&path(query)).await.of(200);
            let range = answer.headers["content-range"].to_str().unwrap().to_owned();
            let (_, total) = range.split_once('/').unwrap();
            total.parse::<usize>().unwrap()
        };
        assert_eq!(total("").await, MANY + 5);
        assert_eq!(total("?processCode=LISTE").await, MANY);
        assert_eq!(total(&format!("?processCode=LISTE&processCode={PROCESS}")).await, MANY + 3);
        assert_eq!(total(&format!("?processCode={SILENT}&processCode={FOREIGN}")).await, 2);
        assert_eq!(total("?status=Inactif").await, MANY / 3);
        assert_eq!(total("?status=Inexistant").await, 0);
        assert_eq!(total("?companyRegister=99820003400010").await, MANY);
        assert_eq!(total("?companyRegister=99820003400010&status=Refus%C3%A9&processCode=LISTE").await, MANY / 3);
        assert_eq!(total("?datapassId=50000").await, 1);
        assert_eq!(total("?delegationActorEmail=personne@exemple.fr").await, 0);
        let empty = hub.admin.get(&path("?status=Inexistant")).await.of(200);
        assert_eq!(empty.json(), json!([]));
    }

    /// R53: 25 where nothing is said, no upper bound, `Content-Range` says what is shown.
    async fn a_list_says_which_part_it_shows(kit) {
        let hub = many(kit).await;
        let usual = hub.admin.get(&path("?processCode=LISTE")).await.of(200);
        assert_eq!(usual.headers["content-range"], "Subscriptions 0-24/300");
        let part = hub.admin.get(&path("?processCode=LISTE&offSet=290&maxResult=25")).await.of(200);
        assert_eq!(part.headers["content-range"], "Subscriptions 290-299/300");
        let all = hub.admin.get(&path("?processCode=LISTE&maxResult=5000")).await.of(200);
        assert_eq!(all.headers["content-range"], "Subscriptions 0-299/300");
        let ids = column(&all.json(), "id");
        assert_eq!(ids.len(), MANY);
        assert_eq!(column(&part.json(), "id"), ids[290..]);
        let past = hub.admin.get(&path("?processCode=LISTE&offSet=300")).await.of(200);
        assert_eq!((past.json(), &past.headers["content-range"].to_str().unwrap()), (json!([]), &"Subscriptions */300"));
        let none = hub.admin.get(&path("?maxResult=0")).await.of(200);
        assert_eq!(none.json(), json!([]));
    }

    /// R53: `asc(field)` and `desc(field)` on every field of the contract, sealed ones too; both ways are each other's mirror.
    async fn subscriptions_are_ordered_by_every_field(kit) {
        let hub = many(kit).await;
        for field in [
            "id", "datapass_id", "si_type", "si_company_register", "si_branch_code", "notification_frequency", "access_mode",
            "delegation_actor", "email", "local_admin", "rejection_reason", "status", "activate_date_time",
            "validate_date_time", "reject_date_time", "end_date_time", "update_date_time", "process_code",
        ] {
            let ordered = async |way: &str| {
                let query = format!("?processCode=LISTE&maxResult=1000&orderBy={way}({field})");
                column(&hub.admin.get(&path(&query)).await.of(200).json(), "id")
            };
            let (up, mut down) = (ordered("asc").await, ordered("desc").await);
            down.reverse();
            assert_eq!(up.len(), MANY);
            assert_eq!(up, down, "{field}");
        }
        let by = async |order: &str, name: &str| {
            let query = format!("?processCode=LISTE&maxResult=1000&orderBy={order}");
            column(&hub.admin.get(&path(&query)).await.of(200).json(), name)
        };
        let numbers: Vec<_> = by("asc(datapass_id)", "datapassId").await.iter().map(|n| n.as_i64().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers[0] == 50_001 - MANY as i64);
        let ends: Vec<_> = by("asc(end_date_time)", "endDateTime").await;
        assert!(ends[..MANY / 2].iter().all(Value::is_null));
        assert!(ends[MANY / 2..].iter().map(|end| end.as_str().unwrap()).is_sorted());
        let mails: Vec<_> = by("desc(email)", "email").await;
        assert!(mails[MANY / 2..].iter().all(Value::is_null));
        assert!(mails[..MANY / 2].iter().map(|mail| mail.as_str().unwrap()).rev().is_sorted());
    }

    /// R53, R6, R7: what is wrong in a query is told at once.
    async fn every_faulty_parameter_of_a_list_is_told(kit) {
        let hub = Hub::open(kit).await;
        let query = "?maxResult=abc&offSet=-1&orderBy=status&companyRegister=123&delegationActorEmail=personne\
            &datapassId=douze&status=xxxxxxxxxxxxxxxxxxxxxxxxx&processType=CERTDC";
        let wrong = hub.admin.get(&path(query)).await;
        wrong.is_bad(&[
            "maxResult", "offSet", "orderBy", "companyRegister", "delegationActorEmail", "datapassId", "status", "processType",
        ]);
        assert_eq!(wrong.messages().len(), 8);
        for order in ["asc(colour)", "asc(status", "up(status)", "asc(status),desc(id)"] {
            hub.admin.get(&path(&format!("?orderBy={order}"))).await.is_bad(&["orderBy"]);
        }
    }
}
