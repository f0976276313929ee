use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::hubee::{
        REFERENTIAL,
        hub::Hub,
        referential::{FOREIGN, IDLE_SI, INACTIVE, PROCESS, SI, SILENT, identifier, subscription},
    },
};

pub(super) fn path(rest: &str) -> String {
    format!("{REFERENTIAL}/subscriptions{rest}")
}

pub(super) fn one(subscription: &Value) -> String {
    path(&format!("/{}", subscription["id"].as_str().unwrap()))
}

both_engines! {
    /// R52: DataPass creates a subscription, inactive unless it says otherwise; it is unique, whoever asks again.
    async fn a_subscription_is_created_once_and_inactive(kit) {
        let hub = Hub::open(kit).await;
        let mut said = subscription(IDLE_SI, PROCESS);
        said.as_object_mut().unwrap().remove("status");
        said["notificationFrequency"] = "Quotidien".into();
        said["email"] = "alerte@exemple.fr".into();
        said["delegationActor"] = json!({ "email": "sacha@exemple.fr", "firstName": "Sacha", "phoneNumber": "+33100000000" });
        said["id"] = "un identifiant qui ne compte pas".into();
        said["activateDateTime"] = "2020-03-04T10:15:30+01:00".into();
        let created = hub.datapass.post(&path(""), &said).await.of(201).json();
        assert_eq!(created["status"], "Inactif");
        assert_eq!(created["notificationFrequency"], "Quotidien");
        assert_eq!(created["activateDateTime"], "2020-03-04T09:15:30.000Z");
        assert_eq!(created["updateDateTime"], Value::Null);
        assert_eq!(created["subscriber"], identifier(IDLE_SI));
        assert_eq!(created["delegationActor"]["firstName"], "Sacha");
        assert_eq!(created["localAdministrator"]["lastName"], "Essai");
        let read = hub.admin.get(&one(&created)).await.of(200).json();
        assert_eq!(read["delegationActor"], json!({ "email": "sacha@exemple.fr" }));
        assert_eq!(read["localAdministrator"], json!({ "email": "camille.essai@exemple.fr" }));
        assert_eq!(read["email"], "alerte@exemple.fr");
        for caller in [&hub.datapass, &hub.admin] {
            let again = caller.post(&path(""), &said).await;
            again.is_refused(400, &format!("Subscription of {IDLE_SI} to {PROCESS} already exists"));
        }
        assert_eq!(hub.count("SELECT count(*) FROM hub_subscription WHERE subscriber LIKE 'SI-99820003400010-%'"), 1);
    }

    /// R52, R7: what the database has against a subscription is told at once, with what is wrong in its body.
    async fn everything_against_a_subscription_is_told_at_once(kit) {
        let hub = Hub::open(kit).await;
        let mut said = subscription("SI-99820003400010-RIEN", "RIEN");
        said["notificationFrequency"] = "parfois".into();
        let refused = hub.datapass.post(&path(""), &said).await;
        refused.is_bad(&[
            "notificationFrequency",
            "Process RIEN does not exist",
            "Organization SI-99820003400010-RIEN does not exist",
        ]);
        assert_eq!(refused.messages().len(), 3);
        let inactive = hub.datapass.post(&path(""), &subscription(SI, INACTIVE)).await;
        inactive.is_refused(400, &format!("Process {INACTIVE} is not activated"));
        let taken = hub.datapass.post(&path(""), &subscription(SI, PROCESS)).await;
        taken.is_bad(&["already exists"]);
    }

    /// R52: ADMIN sends back the object that it has read plus changes; what reading does not show is not lost by that.
    async fn a_subscription_that_is_sent_back_keeps_what_reading_does_not_show(kit) {
        let hub = Hub::open(kit).await;
        let mut known = subscription(IDLE_SI, PROCESS);
        known["localAdministrator"]["function"] = "Secrétariat".into();
        known["delegationActor"] = json!({
            "firstName": "Sacha", "lastName": "Exemple", "email": "sacha@exemple.fr", "function": null,
            "phoneNumber": null, "mobileNumber": "0600000000",
        });
        let created = hub.datapass.post(&path(""), &known).await.of(201).json();
        let mut read = hub.admin.get(&one(&created)).await.of(200).json();
        read["notificationFrequency"] = "unitaire".into();
        read["status"] = Value::Null;
        let replaced = hub.admin.put(&one(&created), &read).await.of(200).json();
        assert_eq!(replaced["status"], "Actif", "a status that is not said stays");
        assert_eq!(replaced["notificationFrequency"], "unitaire");
        assert!(replaced["updateDateTime"].is_string());
        known["notificationFrequency"] = "unitaire".into();
        // The persons are whole still: a file that says them all finds nothing to change.
        let file = hub.dir().join("same.json");
        std::fs::write(&file, json!({ "subscriptions": [known] }).to_string()).unwrap();
        let told = hub.run(&["hubee", "import", file.to_str().unwrap(), "--json"]).succeeded();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["subscriptions"], json!({ "created": 0, "replaced": 0, "unchanged": 1 }));
        for caller in [&hub.datapass, &hub.osl] {
            caller.put(&one(&created), &read).await.is_refused(403, "Unauthorized user");
        }
    }

    /// R52: a PUT that makes two subscriptions one is refused; one that moves it is done.
    async fn a_subscription_is_moved_only_where_there_is_none(kit) {
        let hub = Hub::open(kit).await;
        let created = hub.datapass.post(&path(""), &subscription(IDLE_SI, PROCESS)).await.of(201).json();
        let mut moved = created.clone();
        moved["subscriber"] = identifier(SI);
        hub.admin.put(&one(&created), &moved).await.is_bad(&["already exists"]);
        moved["subscriber"] = identifier(IDLE_SI);
        moved["processCode"] = SILENT.into();
        let done = hub.admin.put(&one(&created), &moved).await.of(200).json();
        assert_eq!((&done["id"], &done["processCode"]), (&created["id"], &json!(SILENT)));
        hub.datapass.post(&path(""), &subscription(IDLE_SI, PROCESS)).await.of(201);
    }

    /// R53, R8: an OSL sees the subscriptions to its own processes only; another's is 403, one that does not exist 404.
    async fn an_osl_sees_the_subscriptions_to_its_own_processes(kit) {
        let hub = Hub::open(kit).await;
        let all = hub.admin.get(&path("?maxResult=100")).await.of(200).json();
        let of = |code: &str| {
            let mut all = all.as_array().unwrap().iter();
            all.find(|one| one["processCode"] == code).unwrap()
        };
        hub.osl.get(&one(of(PROCESS))).await.of(200);
        hub.osl.get(&one(of(FOREIGN))).await.is_refused(403, "Unauthorized user");
        let nobody = path("/01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10");
        hub.osl.get(&nobody).await.is_refused(404, "Subscription is not found");
        hub.admin.put(&nobody, &subscription(IDLE_SI, PROCESS)).await.is_refused(404, "Subscription is not found");
        let seen = hub.osl.get(&path("?maxResult=100")).await.of(200);
        let seen_codes = seen.json();
        let seen_codes: Vec<_> = seen_codes.as_array().unwrap().iter().map(|one| one["processCode"].clone()).collect();
        assert_eq!(seen_codes.len(), 4);
        assert!(!seen_codes.contains(&json!(FOREIGN)));
        assert_eq!(seen.headers["content-range"], "Subscriptions 0-3/4");
        let foreign = hub.osl.get(&path(&format!("?processCode={FOREIGN}"))).await.of(200);
        assert_eq!(foreign.json(), json!([]));
        let theirs = hub.other_osl.get(&path("")).await.of(200).json();
        assert_eq!(theirs.as_array().unwrap().len(), 1);
    }

    /// R52, secrecy: mails, persons and the reason of a refusal stand nowhere in the clear, and the journal names ids only.
    async fn persons_of_a_subscription_are_sealed(kit) {
        let mut hub = Hub::open(kit).await;
        let mut said = subscription(IDLE_SI, PROCESS);
        said["email"] = "marqueur-courriel@exemple.fr".into();
        said["rejectionReason"] = "MARQUEUR-MOTIF".into();
        said["localAdministrator"]["firstName"] = "MARQUEUR-PRENOM".into();
        said["localAdministrator"]["email"] = "marqueur-local@exemple.fr".into();
        said["delegationActor"] = json!({ "email": "marqueur-delegue@exemple.fr" });
        hub.datapass.post(&path(""), &said).await.of(201);
        let found = hub.admin.get(&path("?delegationActorEmail=marqueur-delegue@exemple.fr")).await.of(200).json();
        assert_eq!(found.as_array().unwrap().len(), 1);
        for column in ["sealed", "delegation_actor_hash", "wrapped_key", "subscriber", "status"] {
            for marker in ["marqueur-", "MARQUEUR-"] {
                let sql = format!("SELECT count(*) FROM hub_subscription WHERE CAST({column} AS text) LIKE '%{marker}%'");
                assert_eq!(hub.count(&sql), 0, "{column}");
            }
        }
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE lower(detail) LIKE '%marqueur%'"), 0);
        assert!(hub.gateway.stop().success());
        let logs = hub.gateway.log();
        assert!(!logs.to_lowercase().contains("marqueur"), "{logs}");
    }
}
