//! How many pieces a second are received, next to the disk and to nginx.

use std::cell::RefCell;

use super::{
    disk::{Disk, Layout},
    figures::Figures,
    nginx::Nginx,
    request::MARK,
    rounds,
    subject::Subject,
};
use crate::kit::{document, gateway::Engine};

/// Measures small pieces on both engines.
pub fn small_ones(figures: &mut Figures) {
    let [sqlite, postgres] =
        [Engine::Sqlite, Engine::Postgres].map(|engine| RefCell::new(Subject::frozen(engine)));
    small(figures, &sqlite, &postgres);
    for subject in [sqlite, postgres] {
        subject.borrow().audit();
    }
}

/// Measures large pieces on the embedded engine.
pub fn large_ones(figures: &mut Figures) {
    let sqlite = RefCell::new(Subject::frozen(Engine::Sqlite));
    large(figures, &sqlite);
    sqlite.borrow().audit();
}

fn small(figures: &mut Figures, sqlite: &RefCell<Subject>, postgres: &RefCell<Subject>) {
    let (yard, nginx) = (Disk::new(), RefCell::new(Nginx::start()));
    let content = document::pdf(MARK, 100_000);
    let push = |subject: &RefCell<Subject>, time| {
        subject.borrow_mut().rate_while_thawed(&content, 64, time)
    };
    let rates = rounds::medians(
        rounds::MORE_ROUNDS,
        vec![
            Box::new(|time| yard.durable_files(64, Layout::Together, &content, time)),
            Box::new(|time| push(sqlite, time)),
            Box::new(|time| nginx.borrow_mut().put(&content, 64, time)),
            Box::new(|time| push(postgres, time)),
        ],
    );
    nginx.borrow().audit();
    let [disk, embedded, web, server] = rates[..] else {
        unreachable!("four contenders, four rates")
    };
    figures.line("durable files of 100 KB, 64 threads", disk, "/s");
    figures.line("nginx PUT of 100 KB, 64 connections", web, "/s");
    figures.line("pieces of 100 KB, 64 connections, SQLite", embedded, "/s");
    figures.line("pieces of 100 KB, 64 connections, PostgreSQL", server, "/s");
    let spent = sqlite.borrow().processor_ms_per_piece();
    figures.line("processor time per such piece, SQLite", spent, "ms");
    figures.named("intake_100k_vs_fsync64", embedded / disk, "at least 0.3");
    figures.named("intake_100k_vs_nginx", embedded / web, "at least 0.35");
    figures.named(
        "intake_100k_postgres_vs_sqlite",
        server / embedded,
        "at least 0.7",
    );
}

fn large(figures: &mut Figures, sqlite: &RefCell<Subject>) {
    let nginx = RefCell::new(Nginx::start());
    let content = document::pdf(MARK, 19_900_000);
    let rates = rounds::medians(
        rounds::ROUNDS,
        vec![
            Box::new(|time| nginx.borrow_mut().put(&content, 4, time)),
            Box::new(|time| sqlite.borrow_mut().rate_while_thawed(&content, 4, time)),
        ],
    );
    nginx.borrow().audit();
    figures.line("nginx PUT of 19.9 MB, 4 connections", rates[0], "/s");
    figures.line("pieces of 19.9 MB, 4 connections, SQLite", rates[1], "/s");
    figures.named("intake_20m_vs_nginx", rates[1] / rates[0], "at least 0.7");
}
