//! The front through real sockets, real TLS and real clients (`curl`, Python's `http.client`).

mod framing;
mod intake;
mod refusals;
mod shutdown;
mod slowness;
mod trust;
