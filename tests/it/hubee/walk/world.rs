//! What the walk meets: one folder on its way with all that hangs on it, callers of every scope, and foreigners.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::kit::{
    client::Answer,
    contract::Operation,
    gateway::Kit,
    hubee::{
        FOLDERS,
        build::{self, File},
        caller::Caller,
        hub::Hub,
        referential::{OTHER_SI, SI, SILENT, identifier},
        sent::Sent,
    },
};

/// What is sent.
pub enum Body {
    /// A JSON body.
    Json(Value),
    /// A file.
    Bytes(Bytes),
}

/// A hub with one folder that was sent, of which the SI has begun to deposit a file.
pub struct World {
    hub: Hub,
    sent: Sent,
    event: Value,
    notification: String,
    subscription: String,
    /// The recipient's client of another process.
    elsewhere: Caller,
    before: String,
}

/// Operations that ADMIN and DATAPASS alone may call: nobody is foreign to them.
const NOBODYS: [&str; 8] = [
    "GET /referential/v1/organizations",
    "POST /referential/v1/organizations",
    "GET /referential/v1/organizations/{id}",
    "PUT /referential/v1/organizations/{id}",
    "GET /referential/v1/processes",
    "POST /referential/v1/processes",
    "PUT /referential/v1/processes/{code}",
    "PUT /referential/v1/subscriptions/{subscriptionId}",
];

/// Whether the contract gives an operation to a scope; SUBCRT is another name of DATAPASS (R2).
pub fn grants(operation: &Operation, scope: &str) -> bool {
    let scopes = operation.scopes.iter().map(|named| match named.as_str() {
        "SUBCRT" => "DATAPASS",
        named => named,
    });
    scopes.into_iter().any(|named| named == scope)
}

impl World {
    /// Opens the hub and sends the folder.
    pub async fn new(kit: Kit) -> Self {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000900").await;
        let event = build::deposit(&[File::pdf("reponse")]);
        let event = hub
            .si
            .post(&format!("{}/events", sent.case_path(0)), &event)
            .await;
        let notified = hub.notifications(&hub.si).await;
        let subscriptions = hub
            .admin
            .get("/referential/v1/subscriptions?processCode=CERTDC")
            .await;
        let elsewhere = Caller::register(&hub, SI, "SI", &[SILENT]).await;
        let mut world = Self {
            event: event.of(201).json(),
            notification: text(&notified[0]["id"]),
            subscription: text(&subscriptions.of(200).json()[0]["id"]),
            sent,
            elsewhere,
            before: String::new(),
            hub,
        };
        world.before = world.state().await;
        world
    }

    /// A caller of each scope.
    pub fn scopes(&self) -> [(&'static str, &Caller); 4] {
        let hub = &self.hub;
        [
            ("OSL", &hub.osl),
            ("SI", &hub.si),
            ("ADMIN", &hub.admin),
            ("DATAPASS", &hub.datapass),
        ]
    }

    /// Those who have a scope of the operation and to whom the folder is foreign.
    pub fn foreigners(&self, operation: &Operation) -> Vec<(&'static str, &Caller)> {
        let hub = &self.hub;
        let all = [
            ("OSL", &hub.other_osl),
            ("SI", &hub.other_si),
            ("SI", &self.elsewhere),
        ];
        let mine = all
            .into_iter()
            .filter(|(scope, _)| grants(operation, scope));
        // Who moves cases moves those of all processes.
        let migrates = operation.path_template.ends_with("/migrate");
        mine.filter(|(_, caller)| !(migrates && std::ptr::eq(*caller, &self.elsewhere)))
            .collect()
    }

    /// The call that the owner could make: path and body; nothing where nobody is foreign.
    pub fn request(&self, operation: &Operation) -> Option<(String, Body)> {
        let name = format!("{} {}", operation.method, operation.path_template);
        if NOBODYS.contains(&name.as_str()) {
            return None;
        }
        Some((self.path(operation), self.body(operation)))
    }

    /// Whether it is a list, which shows each caller his own.
    pub fn is_list(&self, operation: &Operation) -> bool {
        let template = operation.path_template.as_str();
        operation.method == "GET" && !template.contains('{')
    }

    /// Fails where a list shows something of the folder.
    #[track_caller]
    pub fn shows_nothing(&self, answer: &Answer) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let shown = String::from_utf8_lossy(&answer.body);
        for id in [self.sent.case(0), &self.notification, &self.subscription] {
            assert!(!shown.contains(id), "{shown}");
        }
    }

    /// Fails where anything of the folder has changed since it was sent.
    pub async fn is_untouched(&self) {
        assert_eq!(self.state().await, self.before);
    }

    /// The folder, its case and its recipient's notifications, as ADMIN and the recipient see them.
    async fn state(&self) -> String {
        let hub = &self.hub;
        let folder = hub.admin.get(&self.sent.path()).await.of(200).json();
        let case = hub.admin.get(&self.sent.case_path(0)).await.of(200).json();
        let notified = hub.notifications(&hub.si).await;
        json!([folder, case, notified]).to_string()
    }

    fn path(&self, operation: &Operation) -> String {
        let template = operation.path_template.as_str();
        let attachment = match template.contains("/events/") {
            true => text(&self.event["attachments"][0]["id"]),
            false => self.sent.attachment(0).to_owned(),
        };
        let ids = [
            ("{folderId}", self.sent.id().to_owned()),
            ("{caseId}", self.sent.case(0).to_owned()),
            ("{eventId}", text(&self.event["id"])),
            ("{attachmentId}", attachment),
            ("{notificationId}", self.notification.clone()),
            ("{subscriptionId}", self.subscription.clone()),
            ("{code}", crate::kit::hubee::referential::PROCESS.to_owned()),
        ];
        ids.iter().fold(template.to_owned(), |path, (name, id)| {
            path.replace(name, id)
        })
    }

    fn body(&self, operation: &Operation) -> Body {
        let path = operation.path_template.as_str();
        let template = path.strip_prefix(FOLDERS).unwrap_or_default();
        let json = match template {
            "/folders" => build::folder("ETR-CERTD-0000000000901", &[File::pdf("etranger")]),
            "/folders/{folderId}" => json!({ "globalStatus": "CLOSED" }),
            "/cases/{caseId}" => json!({ "status": "IN_PROGRESS" }),
            "/cases/{caseId}/events" => build::update("IN_PROGRESS"),
            "/cases/{caseId}/events/{eventId}" => json!({ "status": "RECEIVED" }),
            "/cases/migrate" => json!({
                "organizationSource": identifier(SI), "organizationTarget": identifier(OTHER_SI),
            }),
            "/idsPurged" => json!([{
                "folder_attachment_id": self.sent.attachment(0), "case_id": self.sent.case(0),
            }]),
            path if path.ends_with("/attachments/{attachmentId}") => {
                return Body::Bytes(self.sent.files[0].bytes.clone());
            }
            _ => json!({}),
        };
        Body::Json(json)
    }
}

#[track_caller]
fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("a text: {value}")).to_owned()
}
