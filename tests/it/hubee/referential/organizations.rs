use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        client::Answer,
        hubee::{
            REFERENTIAL,
            hub::Hub,
            referential::{IDLE_SI, OSL, SI, SI_BRANCH, organization},
        },
    },
};

fn path(rest: &str) -> String {
    format!("{REFERENTIAL}/organizations{rest}")
}

fn id(organization: &Value) -> String {
    let part = |name: &str| organization[name].as_str().unwrap().to_owned();
    format!(
        "{}-{}-{}",
        part("type"),
        part("companyRegister"),
        part("branchCode")
    )
}

fn ids(answer: &Answer) -> Vec<String> {
    answer.json().as_array().unwrap().iter().map(id).collect()
}

both_engines! {
    /// R50, R6: an organisation reads back as it was created, what it does not have as null, by an id whose branch may hold
    /// hyphens; it is created once.
    async fn an_organization_is_created_once_and_reads_back(kit) {
        let hub = Hub::open(kit).await;
        let new = "SI-99820003400010-A-B-C";
        let mut said = organization(new);
        said.as_object_mut().unwrap().remove("email");
        said["inconnu"] = json!({ "ignored": true });
        let created = hub.datapass.post(&path(""), &said).await.of(201).json();
        assert_eq!(created["email"], Value::Null);
        assert_eq!(created["name"], said["name"]);
        assert_eq!(created["updateDateTime"], Value::Null);
        assert!(created["createDateTime"].is_string());
        assert!(created.get("inconnu").is_none());
        for caller in [&hub.admin, &hub.datapass] {
            let read = caller.get(&path(&format!("/{new}"))).await.of(200).json();
            assert_eq!(read, created);
        }
        let again = hub.admin.post(&path(""), &said).await;
        again.is_refused(400, &format!("Organization {new} already exists"));
        let count = "SELECT count(*) FROM journal WHERE kind = 'referential.changed' AND detail LIKE '%A-B-C%'";
        assert_eq!(hub.count(count), 1);
    }

    /// R50: a PUT replaces all but the id, which the body's own cannot change; it is ADMIN's.
    async fn an_organization_is_replaced_but_for_its_id(kit) {
        let hub = Hub::open(kit).await;
        let at = path(&format!("/{IDLE_SI}"));
        let before = hub.admin.get(&at).await.of(200).json();
        let mut said = before.clone();
        said["companyRegister"] = "99820002600016".into();
        said["name"] = "Renommée".into();
        said.as_object_mut().unwrap().remove("phoneNumber");
        hub.datapass.put(&at, &said).await.is_refused(403, "Unauthorized user");
        let replaced = hub.admin.put(&at, &said).await.of(200).json();
        assert_eq!(id(&replaced), IDLE_SI);
        assert_eq!(replaced["name"], "Renommée");
        assert_eq!(replaced["phoneNumber"], Value::Null);
        assert_eq!(replaced["createDateTime"], before["createDateTime"]);
        assert!(replaced["updateDateTime"].is_string());
        assert_eq!(hub.admin.get(&at).await.json(), replaced);
    }

    /// R53: the list is filtered by type and SIRET, ordered by a bare field, cut by offSet and maxResult; 25 where nothing is said.
    async fn organizations_are_listed_as_asked_for(kit) {
        let hub = Hub::open(kit).await;
        let all = hub.admin.get(&path("")).await.of(200);
        assert!(ids(&all).len() <= 25);
        let si = hub.admin.get(&path("?type=SI&orderBy=branche_code")).await.of(200);
        assert!(ids(&si).iter().all(|id| id.starts_with("SI-")));
        let branches: Vec<_> = si.json().as_array().unwrap().iter().map(|one| one["branchCode"].clone()).collect();
        let mut sorted = branches.clone();
        sorted.sort_by_key(ToString::to_string);
        assert_eq!(branches, sorted);
        let one = hub.admin.get(&path("?company_register=99820001800013&type=SI")).await.of(200);
        assert_eq!(ids(&one), [SI_BRANCH, SI]);
        let none = hub.admin.get(&path("?type=RIEN")).await.of(200);
        assert_eq!(none.json(), json!([]));
        for field in [
            "code", "type", "name", "company_register", "branche_code", "country", "postal_code", "territory", "email",
            "phone_number", "status", "create_date_time",
        ] {
            let ordered = hub.admin.get(&path(&format!("?orderBy={field}&maxResult=100"))).await.of(200);
            assert_eq!(ids(&ordered).len(), 8, "{field}");
        }
        let whole = ids(&hub.admin.get(&path("?maxResult=100")).await);
        let cut = hub.admin.get(&path("?maxResult=3&offSet=2")).await.of(200);
        assert_eq!(ids(&cut), whole[2..5]);
        let wrong = hub.admin.get(&path("?maxResult=-1&offSet=abc&orderBy=colour&colour=blue")).await;
        wrong.is_bad(&["maxResult", "offSet", "orderBy", "colour"]);
        assert_eq!(wrong.messages().len(), 4);
    }

    /// R53: there is no upper bound; a long list comes whole, in order, also where it is made small on its way.
    async fn a_list_of_thousands_comes_whole(kit) {
        let hub = Hub::open(kit).await;
        let many: Vec<Value> = (0..1_200).map(|n| organization(&format!("SI-99820003400010-{n:05}"))).collect();
        hub.hub_import(&json!({ "organizations": many }));
        let list = hub.admin.get(&path("?maxResult=5000&type=SI&company_register=99820003400010")).await.of(200);
        let ids = ids(&list);
        // The one that was there comes last but for those after it.
        assert_eq!(ids.len(), 1_201);
        let mut sorted = ids.clone();
        sorted.sort();
        assert_eq!(ids, sorted);
        let usual = hub.admin.get(&path("?company_register=99820003400010")).await.of(200);
        assert_eq!(usual.json().as_array().unwrap().len(), 25);
        hub.osl.get(&path("")).await.is_refused(403, "Unauthorized user");
        hub.datapass.get(&path("")).await.is_refused(403, "Unauthorized user");
        let owner = hub.datapass.get(&path(&format!("/{OSL}"))).await.of(200);
        assert_eq!(id(&owner.json()), OSL);
    }

    /// R50, R53: the published contract gives `type` and `company_register` to the path: a creation takes them, and the body counts.
    async fn an_organization_is_created_whatever_the_paths_parameters_say(kit) {
        let hub = Hub::open(kit).await;
        let new = "SI-99820003400010-NEUF";
        let created = hub.admin.post(&path("?type=OSL&company_register=99810001000011"), &organization(new)).await.of(201).json();
        assert_eq!(id(&created), new);
        hub.admin.post(&path("?type=SI&status=Actif"), &organization("SI-99820003400010-AUTRE")).await.is_bad(&["@query.status"]);
    }
}
