//! The software that creates an object of the referential is kept with it, as long as that is there (R4).

use navette::{
    domain::hubee::subscription,
    storage::hubee::{organizations, processes, subscriptions},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    both_engines, inside,
    kit::hubee::{
        REFERENTIAL,
        caller::{Caller, finish},
        hub::Hub,
        referential::{ADMIN, IDLE_SI, OSL, PROCESS, SI, organization, process},
    },
};

/// A call of that software.
fn by(request: RequestBuilder, editor: &str) -> RequestBuilder {
    let request = request.header("editorName", editor);
    request.header("softwareVersion", "3.1")
}

/// What is kept of it.
fn kept(editor: &str) -> Value {
    json!({ "editorName": editor, "applicationName": null, "softwareVersion": "3.1" })
}

/// Creates an object, and has another software replace it; its id where it has one.
async fn made_and_replaced(
    maker: &Caller,
    admin: &Caller,
    group: &str,
    said: &Value,
    at: Option<&str>,
) -> Value {
    let path = format!("{REFERENTIAL}/{group}");
    let made = finish(by(maker.sending(Method::POST, &path, said), "Éditeur")).await;
    let made = made.of(201).json();
    let at = at.or(made["id"].as_str()).expect("an id").to_owned();
    let path = format!("{path}/{at}");
    let known = admin.get(&path).await.of(200).json();
    finish(by(admin.sending(Method::PUT, &path, &known), "Autre"))
        .await
        .of(200);
    made["id"].clone()
}

both_engines! {
    /// R4: it is kept with organisations, processes and subscriptions, whoever replaces them later.
    async fn the_software_that_creates_an_object_is_kept_with_it(kit) {
        let hub = Hub::open(kit).await;
        let store = inside::store(&hub);
        let new = "SI-99820003400010-NEUF";
        made_and_replaced(&hub.datapass, &hub.admin, "organizations", &organization(new), Some(new)).await;
        let row = store.read(move |tx| organizations::find(tx, new)).await.unwrap();
        assert_eq!(row.unwrap().partner_info, kept("Éditeur"));
        made_and_replaced(&hub.admin, &hub.admin, "processes", &process("NEUF", OSL), Some("NEUF")).await;
        let row = store.read(|tx| processes::find(tx, "NEUF")).await.unwrap();
        assert_eq!(row.unwrap().partner_info, kept("Éditeur"));
        let wanted = crate::kit::hubee::referential::subscription(IDLE_SI, PROCESS);
        let id = made_and_replaced(&hub.datapass, &hub.admin, "subscriptions", &wanted, None).await;
        let id = id.as_str().unwrap().parse().unwrap();
        let row = store.read(move |tx| subscriptions::find(tx, id)).await.unwrap().unwrap();
        let house = inside::house(&hub).await;
        let sealed = subscription::open(&house.ctx, id, &row.wrapped_key, &row.sealed).await.unwrap();
        assert_eq!(sealed.partner_info, kept("Éditeur"));
    }

    /// R4: its absence is no error, and nothing is kept of it.
    async fn where_no_software_is_named_none_is_kept(kit) {
        let hub = Hub::open(kit).await;
        let store = inside::store(&hub);
        hub.admin.post(&format!("{REFERENTIAL}/processes"), &process("SANS", OSL)).await.of(201);
        let row = store.read(|tx| processes::find(tx, "SANS")).await.unwrap();
        assert_eq!(row.unwrap().partner_info, Value::Null);
        for imported in [SI, ADMIN] {
            let row = store.read(move |tx| organizations::find(tx, imported)).await.unwrap();
            assert_eq!(row.unwrap().partner_info, Value::Null, "{imported}");
        }
    }
}
