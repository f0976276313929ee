//! DataPass brings a subscription, the operator activates it, and the administration can be reached.

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS, REFERENTIAL,
        build::{self, File},
        hub::Hub,
        referential::{self, IDLE_SI, PROCESS},
    },
};

both_engines! {
    /// R50 to R53, R11: a new administration, its subscription, its activation by someone who sends back what he read.
    async fn an_administration_is_reached_once_its_subscription_is_active(kit) {
        let hub = Hub::open(kit).await;
        let new = "SI-99820003400010-NOUV-1";
        let organization = referential::organization(new);
        hub.datapass.post(&format!("{REFERENTIAL}/organizations"), &organization).await.of(201);
        let again = hub.datapass.post(&format!("{REFERENTIAL}/organizations"), &organization).await;
        again.is_bad(&["already exists"]);

        let mut wanted = referential::subscription(new, PROCESS);
        wanted["status"] = Value::Null;
        let path = format!("{REFERENTIAL}/subscriptions");
        let created = hub.datapass.post(&path, &wanted).await.of(201).json();
        assert_eq!(created["status"], "Inactif");
        hub.datapass.post(&path, &wanted).await.is_bad(&["already exists"]);

        let files = [File::pdf("premier")];
        let folder = build::folder_to("DGS-CERTD-0000000000020", &[new], &files);
        let folders = format!("{FOLDERS}/folders");
        let refused = hub.osl.post(&folders, &folder).await;
        refused.is_refused(400, &format!("Case recipient {new} does not suscribed to {PROCESS}"));

        let one = format!("{path}/{}", created["id"].as_str().unwrap());
        let mut read = hub.admin.get(&one).await.of(200).json();
        read["status"] = "Actif".into();
        read["notificationFrequency"] = "UNITAIRE".into();
        let put = hub.admin.put(&one, &read).await.of(200).json();
        assert_eq!(put["status"], "Actif");
        assert_eq!(put["localAdministrator"]["email"], wanted["localAdministrator"]["email"]);
        hub.osl.post(&folders, &folder).await.of(201);
    }

    /// R53: an OSL sees the subscriptions to its own processes, and says how many it wants.
    async fn an_osl_lists_the_subscriptions_to_its_own_processes(kit) {
        let hub = Hub::open(kit).await;
        let path = format!("{REFERENTIAL}/subscriptions");
        let all = hub.admin.get(&format!("{path}?maxResult=5000")).await.of(200);
        assert_eq!(all.json().as_array().unwrap().len(), 5);
        let range = all.header("content-range").to_owned();
        assert_eq!(range, "Subscriptions 0-4/5");
        let own = hub.osl.get(&path).await.of(200).json();
        let codes: Vec<_> = own.as_array().unwrap().iter().map(|one| one["processCode"].clone()).collect();
        assert_eq!(codes.len(), 4, "{codes:?}");
        assert!(!codes.contains(&json!("AUTRE")));
        let page = hub.osl.get(&format!("{path}?offSet=1&maxResult=2&orderBy=desc(si_company_register)")).await;
        let page = page.of(200);
        assert_eq!(page.header("content-range"), "Subscriptions 1-2/4");
        assert_eq!(page.json().as_array().unwrap().len(), 2);
        let of_one = hub.osl.get(&format!("{path}?processCode=MUET&status=Actif")).await.of(200).json();
        assert_eq!(of_one.as_array().unwrap().len(), 1);
        let id = own[0]["id"].as_str().unwrap();
        hub.osl.get(&format!("{path}/{id}")).await.of(200);
        hub.other_osl.get(&format!("{path}/{id}")).await.is_refused(403, "Unauthorized user");
    }

    /// R50, R53: an administration is found by type and SIRET, and what is put replaces all but the id.
    async fn the_operator_finds_and_mends_an_administration(kit) {
        let hub = Hub::open(kit).await;
        let path = format!("{REFERENTIAL}/organizations");
        let question = format!("{path}?type=SI&company_register=99820001800013&orderBy=branch_code");
        let found = hub.admin.get(&question).await.of(200).json();
        let branches: Vec<_> = found.as_array().unwrap().iter().map(|one| one["branchCode"].clone()).collect();
        assert_eq!(branches, [json!("77-B"), json!("77001")]);
        let mut mended = referential::organization(IDLE_SI);
        mended["name"] = "Mairie d'ailleurs".into();
        let put = hub.admin.put(&format!("{path}/{IDLE_SI}"), &mended).await.of(200).json();
        assert_eq!(put["name"], "Mairie d'ailleurs");
        let read = hub.admin.get(&format!("{path}/{IDLE_SI}")).await.of(200).json();
        assert_eq!(read, put);
        let gone = hub.admin.get(&format!("{path}/SI-99820003400010-AUCUN")).await;
        gone.is_refused(404, "Organization is not found");
    }
}
