//! The antivirus while a caller waits for the answer to its upload: deployed clients go on with what they have just sent, so
//! that its verdict must be there. Where it does not come, a job asks again ([`super::verdict`]).

use std::sync::Arc;

use tokio::{sync::Semaphore, time::timeout};

use crate::{
    config::Config,
    domain::{
        Context,
        exchanges::HUB,
        ged::{scan, verdict},
    },
    kernel::fault::Result,
    outbound::clamd::{Clamd, Scanned, Why},
    storage::exchanges::DocumentRow,
};

/// The antivirus at the door. A cheap handle; all clones share its seats.
#[derive(Clone)]
pub struct Scanner {
    antivirus: Option<Clamd>,
    seats: Arc<Semaphore>,
}

impl Scanner {
    /// The antivirus of the settings, with as many seats as it has scans at once.
    pub fn of(config: &Config) -> Self {
        let antivirus = config.gateway.antivirus.as_ref();
        Self {
            antivirus: antivirus.cloned().map(Clamd::new),
            seats: Arc::new(Semaphore::new(antivirus.map_or(1, |clamd| clamd.at_once))),
        }
    }

    /// What the antivirus says of a file that is stored; nothing where the hub demands no scan. Fails where the file cannot
    /// be read.
    pub async fn look(&self, ctx: &Context, document: &DocumentRow) -> Result<Option<Scanned>> {
        if !verdict::is_demanded(ctx, HUB) {
            return Ok(None);
        }
        let Ok(Ok(_seat)) = timeout(scan::TURN, self.seats.acquire()).await else {
            return Ok(Some(Scanned::Unknown(Why::Timeout)));
        };
        let said = scan::scan(ctx, self.antivirus.as_ref(), HUB, document).await?;
        Ok(Some(said))
    }
}
