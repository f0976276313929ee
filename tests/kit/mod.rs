//! The test kit: what journeys and benchmarks use to meet the gateway through its public doors.
//!
//! | file | gives |
//! |---|---|
//! | `scratch` | a directory that is removed when the test process is gone |
//! | `ports`, `process`, `tls`, `wait` | free ports; children that cannot outlast us; TLS settings; polling with a deadline |
//! | `pki` | certificates and keys, good and bad |
//! | `postgres` | a real PostgreSQL, a database per test |
//! | `partner` | ASP's callback API, scriptable |
//!
//! Nothing here knows the gateway's inside: it meets the binary, HTTP, files and the database's URL.

pub mod partner;
pub mod pki;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod scratch;
pub mod tls;
pub mod wait;
