//! The yardsticks alone: what this machine gives without the gateway.

use super::{disk, document, figures::Figures, nginx::Nginx, rounds};

/// Measures the disk and nginx.
pub fn measure(figures: &mut Figures) {
    let small = document::pdf(100_000);
    let large = document::pdf(19_900_000);
    let nginx = Nginx::start();
    let rates = rounds::medians(vec![
        Box::new(|time| disk::durable_files(64, &small, time)),
        Box::new(|time| nginx.put(&small, 64, time).per_second),
        Box::new(|time| nginx.put(&large, 4, time).per_second),
    ]);
    let names = [
        "durable files of 100 KB by 64 threads",
        "nginx, PUT of 100 KB at 64 connections",
        "nginx, PUT of 19.9 MB at 4 connections",
    ];
    for (name, rate) in names.iter().zip(rates) {
        figures.line(name, rate, "/s");
    }
}
