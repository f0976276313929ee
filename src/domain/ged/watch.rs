//! The antivirus greeted now and then, so that what waits for it goes on as soon as it is back.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::{
    domain::{Context, jobs::SCAN_LANE},
    kernel::fault::Result,
    outbound::clamd::Clamd,
    storage::jobs,
};

/// How often the antivirus is greeted.
pub const PERIOD: Duration = Duration::from_secs(5);

/// Whether the antivirus answered when it was last greeted.
#[derive(Debug, Default)]
pub struct Watch {
    answered: AtomicBool,
}

/// Greets the antivirus; what waits for it is asked about again as soon as it is back.
pub async fn greet(ctx: &Context, antivirus: &Clamd, watch: &Watch) -> Result<()> {
    let greeted = antivirus.greet().await;
    metrics::gauge!("navette_antivirus_up").set(f64::from(u8::from(greeted.is_ok())));
    let before = watch.answered.swap(greeted.is_ok(), Ordering::Relaxed);
    if before || greeted.is_err() {
        return greeted;
    }
    let now = ctx.clock.now();
    let woken = ctx.store.write(move |tx| jobs::hasten(tx, SCAN_LANE, now));
    let woken = woken.await?;
    if woken > 0 {
        tracing::info!(woken, "the antivirus is back; what waited for it goes on");
        ctx.bell.notify_one();
    }
    Ok(())
}
