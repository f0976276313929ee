//! One attachment of a gigabyte: memory while it goes up and down, and how fast it goes up next to nginx.

use std::cell::{Cell, RefCell};

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64;
use tokio::runtime::Runtime;

use super::{
    large::{Large, SIZE},
    office::{self, Office},
};
use crate::{
    figures::Figures,
    kit::{
        gateway::{Engine, Kit},
        hubee::{build, caller::Caller, hub::Hub, sent::Sent},
        pki::pki,
    },
    memory,
    nginx::Nginx,
    processes, rounds,
    wire::{self, Wire},
};

/// Measures both figures on the embedded engine.
pub fn measure(figures: &mut Figures) {
    let runtime = Runtime::new().expect("threads can be started");
    let hub = runtime.block_on(Hub::open(Kit::new(Engine::Sqlite)));
    let large = Large::new();
    held(figures, &runtime, &hub, &large);
    compared(figures, &runtime, &hub, &large);
    hub.doctor();
}

/// Up, and down again by its recipient: every byte of it.
fn held(figures: &mut Figures, runtime: &Runtime, hub: &Hub, large: &Large) {
    let sent = runtime.block_on(create(hub, large, 0));
    let pid = hub.pid().as_raw_nonzero().get();
    let peak = memory::peak_while(pid, || {
        runtime.block_on(async {
            upload(hub, large, &sent).await;
            sent.complete(&hub.osl).await;
            download(hub, &hub.si, &sent, large).await;
        });
    });
    let own = processes::high_water(pid);
    figures.line("its own process at its peak, 1 GB up and down", own, "MB");
    figures.named("rss_1g_attachment_mb", peak, "at most 128");
}

/// In turns, each time another file.
fn compared(figures: &mut Figures, runtime: &Runtime, hub: &Hub, large: &Large) {
    let nginx = RefCell::new(Nginx::start());
    let number = Cell::new(0);
    let next = || number.replace(number.get() + 1) + 1;
    let rates = rounds::medians(
        rounds::ROUNDS,
        vec![
            Box::new(|_| {
                let rate = runtime.block_on(put(&nginx.borrow(), large, next()));
                nginx.borrow_mut().expect_one_more();
                rate
            }),
            Box::new(|_| {
                runtime.block_on(async {
                    let sent = create(hub, large, next()).await;
                    upload(hub, large, &sent).await
                })
            }),
        ],
    );
    nginx.borrow().audit();
    figures.line("nginx PUT of 1 GB, 1 connection", rates[0], "MB/s");
    figures.line("attachment of 1 GB, 1 connection", rates[1], "MB/s");
    figures.named(
        "attachment_1g_vs_nginx",
        rates[1] / rates[0],
        "at least 0.7",
    );
}

async fn create(hub: &Hub, large: &Large, number: usize) -> Sent {
    let files = [large.file()];
    let folder = build::folder(&format!("DGS-GIGA-{number:013}"), &files);
    Sent::create(&hub.osl, &folder, &files).await
}

async fn upload(hub: &Hub, large: &Large, sent: &Sent) -> f64 {
    let mut office = Office::open(hub.hub_address(), &office::connector(), &hub.osl).await;
    let line = format!("PUT {}", sent.file_path(0));
    let head = office.head(&line, "application/octet-stream", SIZE);
    large.send(office.wire(), &head, 204).await
}

async fn put(nginx: &Nginx, large: &Large, number: usize) -> f64 {
    let connector = wire::connector(Some(&pki().client));
    let wire = Wire::open(nginx.address(), &connector).await;
    let mut wire = wire.expect("nginx takes connections");
    large.put(&mut wire, nginx.address(), number).await
}

/// Fails unless what comes is what was sent, under its digest.
async fn download(hub: &Hub, caller: &Caller, sent: &Sent, large: &Large) {
    let mut office = Office::open(hub.hub_address(), &office::connector(), caller).await;
    let line = format!("GET {}", sent.case_file_path(0, 0));
    let head = office.head(&line, "application/json", 0);
    let wire = office.wire();
    wire.send(&[head.as_bytes()]).await.expect("the hub reads");
    let mut found = Context::new(&SHA256);
    let drained = wire.drain(|bytes| found.update(bytes)).await;
    let drained = drained.expect("it comes whole");
    assert_eq!(drained, (200, usize::try_from(SIZE).expect("64 bits")));
    let mut wanted = Context::new(&SHA256);
    large.chunks().for_each(|chunk| wanted.update(chunk));
    let wanted = BASE64.encode(wanted.finish().as_ref());
    assert_eq!(BASE64.encode(found.finish().as_ref()), wanted);
    let said = wire.header("digest").unwrap_or_default();
    assert!(said.ends_with(&wanted), "{said}");
}
