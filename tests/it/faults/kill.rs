//! Two hundred deaths at any moment, while applications send and returns are delivered.

use std::time::Duration;

use super::{audit, load::Load};
use crate::{
    both_engines,
    kit::{chance::Chance, gateway::Gateway},
};

const KILLS: usize = 200;

/// So short that jobs of the dead come back within the test.
const LEASE_SECONDS: u32 = 3;

/// So few that the server is not busy with greeting the next life.
const CONNECTIONS: u32 = 4;

both_engines! {
    /// `kill -9` loses no acknowledged piece, doubles none and leaves no half one visible.
    async fn two_hundred_kills_lose_nothing_and_double_nothing(kit) {
        let mut chance = Chance::new();
        let kit = kit.set("worker.lease_seconds", LEASE_SECONDS);
        let mut gateway = kit.set("database.connections", CONNECTIONS).start();
        let client = gateway.client().await;
        let load = Load::start(&gateway, &client, 3, &mut chance);
        for _ in 0..KILLS {
            live_for_a_while(&mut gateway, &load, &mut chance).await;
            gateway.kill();
            gateway.launch(&[]);
        }
        gateway.await_ready();
        let promises = load.finish().await;
        audit::promises_are_kept(&gateway, &client, &promises).await;
        println!("{} pieces, {} calls to the partner", promises.len(), gateway.partner().count());
    }
}

/// One life in eight ends while it starts, the others under way, often before their first acknowledgment.
async fn live_for_a_while(gateway: &mut Gateway, load: &Load, chance: &mut Chance) {
    if chance.below(8) == 0 {
        return any_moment(chance, 200).await;
    }
    gateway.await_ready();
    if chance.below(2) == 0 {
        load.more(1).await;
    }
    any_moment(chance, 60).await;
}

/// Not a wait for anything: the moment itself is what is drawn.
async fn any_moment(chance: &mut Chance, within_ms: u64) {
    let moment = chance.below(within_ms * 1000);
    tokio::time::sleep(Duration::from_micros(moment)).await;
}
