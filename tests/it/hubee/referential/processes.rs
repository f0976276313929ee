use std::fs;

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::hubee::{
        REFERENTIAL,
        hub::Hub,
        referential::{
            FOREIGN, IDLE_SI, INACTIVE, OSL, OTHER_OSL, PROCESS, SILENT, identifier, process,
            subscription,
        },
    },
};

fn path(rest: &str) -> String {
    format!("{REFERENTIAL}/processes{rest}")
}

fn codes(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|process| process["code"].as_str().unwrap())
        .collect()
}

both_engines! {
    /// R51, R6: a process reads back as it was created, with the fields of later contracts, and is created once.
    async fn a_process_is_created_once_and_reads_back(kit) {
        let hub = Hub::open(kit).await;
        let mut said = process("NEUVE", OSL);
        said["messageWithStatus"] = true.into();
        said["authorizedAwaiting"] = false.into();
        said.as_object_mut().unwrap().remove("siAttachmentFormatsEnabled");
        let created = hub.admin.post(&path(""), &said).await.of(201).json();
        assert_eq!(created["messageWithStatus"], true);
        assert_eq!(created["authorizedAwaiting"], false);
        assert_eq!(created["siAttachmentFormatsEnabled"], json!([]));
        assert_eq!(created["description"], Value::Null);
        assert_eq!(created["attachmentTypesEnabled"], said["attachmentTypesEnabled"]);
        assert_eq!(hub.admin.get(&path("/NEUVE")).await.of(200).json(), created);
        let again = hub.admin.post(&path(""), &said).await;
        again.is_refused(400, "Process NEUVE already exists");
        let older = hub.admin.get(&path(&format!("/{PROCESS}"))).await.of(200).json();
        assert_eq!(older["messageWithStatus"], Value::Null);
    }

    /// R51: the owner is an OSL that exists; what else is wrong is told with it.
    async fn a_process_needs_an_osl_that_exists(kit) {
        let hub = Hub::open(kit).await;
        let mut said = process("NEUVE", "OSL-99810001000011-RIEN");
        let refused = hub.admin.post(&path(""), &said).await;
        refused.is_refused(400, "Organization OSL-99810001000011-RIEN does not exist");
        said["osl"] = identifier(IDLE_SI);
        said["name"] = Value::Null;
        let refused = hub.admin.post(&path(""), &said).await;
        refused.is_bad(&["is not of type OSL", "#/name"]);
        hub.admin.get(&path("/NEUVE")).await.is_refused(404, "Process is not found");
    }

    /// R20, R12: a process that has folders stays with its owner, whoever asks; one that has none may go to another.
    async fn a_process_with_folders_stays_with_its_owner(kit) {
        let hub = Hub::open(kit).await;
        let at = path(&format!("/{PROCESS}"));
        let mut said = hub.admin.get(&at).await.of(200).json();
        let sent = hub.create("DGS-CERTD-0000000003001").await;
        said["osl"] = identifier(OTHER_OSL);
        said["name"] = Value::Null;
        let told = format!("Process {PROCESS} has folders and stays with {OSL}");
        hub.admin.put(&at, &said).await.is_bad(&[&told, "#/name"]);
        let file = hub.dir().join("autre.json");
        fs::write(&file, json!({ "processes": [process(PROCESS, OTHER_OSL)] }).to_string()).unwrap();
        let refused = hub.run(&["hubee", "import", file.to_str().unwrap()]).failed_with(2);
        assert!(refused.contains(&told), "{refused}");
        assert_eq!(hub.admin.get(&at).await.of(200).json()["osl"], identifier(OSL));
        hub.osl.delete(&sent.path()).await.of(204);
        said["name"] = "Autre".into();
        hub.admin.put(&at, &said).await.of(200);
        hub.other_osl.get(&at).await.of(200);
        hub.osl.get(&at).await.is_refused(403, "Unauthorized user");
    }

    /// R53: processes come all at once, by code or as asked for; their owner's SIRET narrows them.
    async fn processes_are_listed_whole(kit) {
        let hub = Hub::open(kit).await;
        let all = hub.admin.get(&path("")).await.of(200);
        assert_eq!(all.headers["content-range"], "Processes 0-3/4");
        assert_eq!(codes(&all.json()), [FOREIGN, PROCESS, INACTIVE, SILENT]);
        let own = hub.admin.get(&path("?companyRegister=99810001000011&orderBy=is_activated")).await.of(200);
        assert_eq!(codes(&own.json()), [INACTIVE, PROCESS, SILENT]);
        for field in [
            "code", "name", "description", "is_activated", "subscription_validation", "osl_type", "osl_company_register",
            "osl_branch_code", "attachments_max_size", "time_before_archiving", "time_before_deletion", "message_transmitter",
            "attachments_types", "attachments_formats",
        ] {
            let ordered = hub.admin.get(&path(&format!("?orderBy={field}"))).await.of(200);
            assert_eq!(codes(&ordered.json()).len(), 4, "{field}");
        }
        let wrong = hub.admin.get(&path("?companyRegister=123&orderBy=colour&maxResult=5")).await;
        wrong.is_bad(&["companyRegister", "orderBy", "maxResult"]);
    }

    /// R3, R8: an OSL reads its own processes; another's is 403, one that does not exist 404.
    async fn an_osl_reads_its_own_processes(kit) {
        let hub = Hub::open(kit).await;
        let own = hub.osl.get(&path(&format!("/{PROCESS}"))).await.of(200).json();
        assert_eq!(own["osl"], identifier(OSL));
        hub.osl.get(&path(&format!("/{FOREIGN}"))).await.is_refused(403, "Unauthorized user");
        hub.osl.get(&path("/RIEN")).await.is_refused(404, "Process is not found");
        hub.si.get(&path(&format!("/{PROCESS}"))).await.is_refused(403, "Unauthorized user");
        hub.osl.get(&path("")).await.is_refused(403, "Unauthorized user");
    }

    /// R51: a PUT replaces all but the code; deactivated, a process takes no new subscription, and those that it has can be changed.
    async fn a_deactivated_process_takes_no_new_subscription(kit) {
        let hub = Hub::open(kit).await;
        let at = path(&format!("/{PROCESS}"));
        let mut said = hub.admin.get(&at).await.of(200).json();
        said["isActivated"] = false.into();
        said["code"] = "AUTREMENT".into();
        let replaced = hub.admin.put(&at, &said).await.of(200).json();
        assert_eq!((&replaced["code"], &replaced["isActivated"]), (&json!(PROCESS), &json!(false)));
        assert!(replaced["updateDateTime"].is_string());
        assert_eq!(replaced["creationDateTime"], said["creationDateTime"]);
        let subscriptions = format!("{REFERENTIAL}/subscriptions");
        let refused = hub.datapass.post(&subscriptions, &subscription(IDLE_SI, PROCESS)).await;
        refused.is_refused(400, &format!("Process {PROCESS} is not activated"));
        let had = hub.admin.get(&format!("{subscriptions}?processCode={PROCESS}&maxResult=1")).await.of(200).json();
        let one = format!("{subscriptions}/{}", had[0]["id"].as_str().unwrap());
        hub.admin.put(&one, &had[0]).await.of(200);
    }
}
