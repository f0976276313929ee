//! A partner who signs what he writes of a return, and is not done yet.

use std::fs;

use navette::{
    config::depots::Direction,
    domain::archives::sending::collect::{Flowing, Memory},
    kernel::clock::Clock,
};

use super::{
    SOON,
    acknowledgments::{signature, signed_and},
    dropped, lot, returned,
};
use crate::{
    inside,
    kit::{
        depot::{Depot, Make},
        pki::pki,
        wait,
    },
    reception::formats::POLL,
};

/// A signature that grows is left alone until it stands still, like what it signs. The looks and their clock are our own, so that
/// it never stands still by accident.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgment_is_left_alone_until_its_signature_stands_still() {
    let depot = Depot::start(Make::Folder);
    let mut gateway = signed_and(&depot, "complete = \"stable\"");
    dropped(&depot, "LOT.zip", &lot().zip());
    let file = format!("acks/{}.ack.json", returned(&depot));
    wait::until("it is awaited", SOON, || {
        (gateway.sql("SELECT state FROM exchange_return") == "sent").then_some(())
    });
    gateway.stop();
    let house = inside::house(&gateway).await;
    let (mut ctx, lines) = (house.ctx.clone(), inside::lines(&house));
    ctx.clock = Clock::frozen(Clock::system().now());
    let settings = ctx.config.depots[depot.name()].clone();
    let flow = settings.flow("acquittements").unwrap();
    let Direction::Acknowledgments(acks) = &flow.direction else {
        panic!("{flow:?}");
    };
    let flowing = Flowing {
        ctx: &ctx,
        lines: &lines,
        depot: &settings,
        flow,
        acks,
    };
    let (mut memory, text) = (Memory::default(), "{}");
    let (signature, known) = (
        signature(text, &pki().receipt_signer),
        "SELECT count(*) FROM acknowledgment",
    );
    depot.put(&file, text.as_bytes());
    for size in (0..=8).map(|eighth| signature.len() * eighth / 8) {
        if size > 0 {
            fs::write(depot.inside(&format!("{file}.p7s")), &signature[..size]).unwrap();
        }
        assert!(flowing.look(&mut memory).await.unwrap().is_none());
        assert_eq!(gateway.count(known), 0, "{size}");
        ctx.clock.set(ctx.clock.now() + POLL);
    }
    assert!(flowing.look(&mut memory).await.unwrap().is_none());
    assert_eq!(gateway.count(known), 1);
    assert_eq!(gateway.count("SELECT count(*) FROM incident"), 0);
    assert_eq!(depot.names("acks"), [""; 0]);
}
