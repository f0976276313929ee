//! The yardsticks alone: what this machine gives without the gateway.

use std::cell::RefCell;

use super::{
    disk::{Disk, Layout},
    figures::Figures,
    nginx::Nginx,
    request::MARK,
    rounds,
};
use crate::kit::document;

/// Measures the disk and nginx.
pub fn measure(figures: &mut Figures) {
    let small = document::pdf(MARK, 100_000);
    let large = document::pdf(MARK, 19_900_000);
    let (disk, nginx) = (Disk::new(), RefCell::new(Nginx::start()));
    let rates = rounds::medians(
        rounds::ROUNDS,
        vec![
            Box::new(|time| disk.durable_files(64, Layout::Together, &small, time)),
            Box::new(|time| disk.durable_files(64, Layout::Apart, &small, time)),
            Box::new(|time| nginx.borrow_mut().put(&small, 64, time)),
            Box::new(|time| nginx.borrow_mut().put(&large, 4, time)),
        ],
    );
    nginx.borrow().audit();
    let names = [
        "durable files of 100 KB, 64 threads, one directory",
        "durable files of 100 KB, 64 threads, a directory each",
        "nginx PUT of 100 KB, 64 connections",
        "nginx PUT of 19.9 MB, 4 connections",
    ];
    for (name, rate) in names.iter().zip(rates) {
        figures.line(name, rate, "/s");
    }
}
