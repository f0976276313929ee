//! When an acknowledgment is whole, where it goes once it is kept, and the marker that a partner wants beside a return.

use std::fs;

use navette::{
    config::depots::Direction,
    domain::archives::sending::collect::{Flowing, Memory},
    kernel::clock::Clock,
};

use super::{
    SOON, acknowledge,
    acknowledgments::{incident, signature},
    dropped, lot, returned, through_with, with_status,
};
use crate::{
    both_engines, inside,
    kit::{
        depot::{Depot, Make},
        gateway::{Gateway, Kit},
        pki::pki,
        wait,
    },
    reception::formats::POLL,
};

/// A gateway through whose depot returns leave, the flow of this line saying more.
fn saying(kit: Kit, depot: &Depot, line: &str, more: &str) -> Kit {
    let settings = depot.settings();
    assert!(settings.contains(line));
    through_with(
        kit,
        depot,
        &settings.replace(line, &format!("{line}\n{more}")),
    )
}

const ACKS: &str = "answers = \"retours\"";

/// One look at the acknowledgments of a gateway that does not run, by this clock.
async fn look(gateway: &Gateway, depot: &Depot, memory: &mut Memory, clock: &Clock) {
    let house = inside::house(gateway).await;
    let mut ctx = house.ctx.clone();
    ctx.clock = clock.clone();
    let settings = &house.ctx.config.depots[depot.name()];
    let flow = settings.flow("acquittements").expect("the kit's flow");
    let Direction::Acknowledgments(acks) = &flow.direction else {
        panic!("{flow:?}")
    };
    let flowing = Flowing {
        ctx: &ctx,
        lines: &inside::lines(&house),
        depot: settings,
        flow,
        acks,
    };
    assert!(flowing.look(memory).await.expect("a look").is_none());
}

both_engines! {
    /// It is left alone until its marker is there, and both leave.
    async fn an_acknowledgment_waits_for_its_marker(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = saying(kit, &depot, ACKS, "complete = \"marker\"\nmarker = \".ok\"").start();
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        let name = returned(&depot);
        acknowledge(&depot, &name);
        // One that is complete and none of ours tells that the folder was looked at since.
        let unknown = "LOT-01a1ffe0-5902-7e5a-b1c6-3a9d4e8f7c43.zip";
        acknowledge(&depot, unknown);
        depot.put(&format!("acks/{unknown}.ack.json.ok"), b"");
        assert!(incident(&gateway, "acknowledgment-invalid").contains("unknown-return"));
        with_status(&gateway, &id, "returned");
        depot.put(&format!("acks/{name}.ack.json.ok"), b"");
        with_status(&gateway, &id, "acknowledged");
        wait::until("both leaving", SOON, || {
            let names = depot.names("acks");
            names.iter().all(|left| left.starts_with(unknown)).then_some(())
        });
        gateway.doctor();
    }

    /// One that grows is left alone until it has stood still for a poll. The looks and their clock are our own, so that it never does
    /// so by accident.
    async fn an_acknowledgment_that_grows_is_left_alone_until_it_stands_still(kit) {
        let depot = Depot::start(Make::Folder);
        let mut gateway = saying(kit, &depot, ACKS, "complete = \"stable\"").start();
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        let name = returned(&depot);
        wait::until("it is awaited", SOON, || {
            (gateway.sql("SELECT state FROM exchange_return") == "sent").then_some(())
        });
        assert!(gateway.stop().success());
        let file = depot.inside(&format!("acks/{name}.ack.json"));
        let (text, mut memory) = ("{\"outcome\": \"rejected\"}", Memory::default());
        // What it begins with could be read as a yes of its own.
        let clock = Clock::frozen(Clock::system().now());
        for half in ["{}", "{\"outcome\": \"rej", text] {
            fs::write(&file, half).unwrap();
            look(&gateway, &depot, &mut memory, &clock).await;
            assert!(file.exists(), "{half}");
            with_status(&gateway, &id, "returned");
            clock.set(clock.now() + POLL);
        }
        look(&gateway, &depot, &mut memory, &clock).await;
        assert!(!file.exists());
        with_status(&gateway, &id, "undelivered");
    }

    /// What is kept moves where the flow says, its signature with it.
    async fn an_acknowledgment_moves_with_its_signature_where_the_flow_says(kit) {
        let depot = Depot::start(Make::Folder);
        let more = format!("signature = \".p7s\"\nsigner_ca = {:?}\nthen = \"move\"\nmoved = \"done\"", pki().root);
        let gateway = saying(kit, &depot, ACKS, &more).start();
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        let (name, text) = (returned(&depot), "{\"acknowledgmentId\": \"AR-7\"}");
        let signed = signature(text, &pki().receipt_signer);
        let files = [format!("{name}.ack.json"), format!("{name}.ack.json.p7s")];
        for (file, bytes) in files.iter().zip([text.as_bytes(), &signed]).rev() {
            depot.put(&format!("acks/{file}"), bytes);
        }
        with_status(&gateway, &id, "acknowledged");
        wait::until("both leaving", SOON, || depot.names("acks").is_empty().then_some(()));
        assert_eq!(depot.names("done"), files);
        for (file, bytes) in files.iter().zip([text.as_bytes(), &signed]) {
            assert_eq!(fs::read(depot.inside(&format!("done/{file}"))).unwrap(), bytes, "{file}");
        }
        gateway.doctor();
    }

    /// Beside a return stands the empty file that its partner waits for, once the return is whole.
    async fn a_return_has_the_marker_that_its_partner_wants(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = saying(kit, &depot, "direction = \"out\"", "marker = \".ok\"").start();
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        wait::until("it was sent", SOON, || {
            (gateway.sql("SELECT state FROM exchange_return") == "sent").then_some(())
        });
        let names = depot.names("out");
        let [name, marker] = &names[..] else { panic!("{names:?}") };
        assert_eq!(*marker, format!("{name}.ok"));
        assert_eq!(fs::metadata(depot.inside(&format!("out/{marker}"))).unwrap().len(), 0);
        super::return_json(&depot, name);
        acknowledge(&depot, name);
        with_status(&gateway, &id, "acknowledged");
        gateway.doctor();
    }
}
