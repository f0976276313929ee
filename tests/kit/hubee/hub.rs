//! A gateway with the hub open, the world of [`referential`] imported and one client of each kind.

use std::ops::Deref;

use serde_json::Value;

use super::{
    FOLDERS,
    build::{self, File},
    caller::Caller,
    referential::{self, ADMIN, DATAPASS, OSL, OTHER_OSL, OTHER_SI, PROCESS, SI, SILENT},
    sent::Sent,
};
use crate::kit::gateway::{Gateway, Kit};

/// The hub and those who call it. It is the gateway too.
#[derive(Debug)]
pub struct Hub {
    /// What runs.
    pub gateway: Gateway,
    /// The owner of the processes.
    pub osl: Caller,
    /// The owner of another process.
    pub other_osl: Caller,
    /// The recipient, for [`PROCESS`] and [`SILENT`].
    pub si: Caller,
    /// Another recipient, for [`PROCESS`].
    pub other_si: Caller,
    /// The operator.
    pub admin: Caller,
    /// Who brings subscriptions.
    pub datapass: Caller,
}

impl Hub {
    /// Opens it.
    pub async fn open(kit: Kit) -> Self {
        Self::of(kit.with_hub().start()).await
    }

    /// The same around a gateway that runs.
    pub async fn of(gateway: Gateway) -> Self {
        gateway.hub_import(&referential::world());
        Self {
            osl: Caller::register(&gateway, OSL, "OSL", &[]).await,
            other_osl: Caller::register(&gateway, OTHER_OSL, "OSL", &[]).await,
            si: Caller::register(&gateway, SI, "SI", &[PROCESS, SILENT]).await,
            other_si: Caller::register(&gateway, OTHER_SI, "SI", &[PROCESS]).await,
            admin: Caller::register(&gateway, ADMIN, "ADMIN", &[]).await,
            datapass: Caller::register(&gateway, DATAPASS, "DATAPASS", &[]).await,
            gateway,
        }
    }

    /// Creates a folder with one case for [`SI`] and one small PDF; nothing is uploaded.
    pub async fn create(&self, external: &str) -> Sent {
        let files = [File::pdf(external)];
        Sent::create(&self.osl, &build::folder(external, &files), &files).await
    }

    /// The same, uploaded and completed.
    pub async fn send(&self, external: &str) -> Sent {
        let sent = self.create(external).await;
        sent.upload(&self.osl).await;
        sent.complete(&self.osl).await;
        sent
    }

    /// A folder of another process of the same OSL, uploaded and completed.
    pub async fn send_of(&self, process: &str, external: &str) -> Sent {
        let files = [File::pdf(external)];
        let mut folder = build::folder(external, &files);
        folder["processCode"] = process.into();
        let sent = Sent::create(&self.osl, &folder, &files).await;
        sent.upload(&self.osl).await;
        sent.complete(&self.osl).await;
        sent
    }

    /// What waits for a caller, at most a thousand.
    pub async fn notifications(&self, caller: &Caller) -> Vec<Value> {
        let path = format!("{FOLDERS}/notifications?maxResult=1000");
        let answer = caller.get(&path).await.of(200).json();
        answer.as_array().expect("a list").clone()
    }
}

impl Deref for Hub {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}
