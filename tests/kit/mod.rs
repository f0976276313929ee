//! The test kit: what journeys and benchmarks use to meet the gateway through its public doors.
//!
//! | file | gives |
//! |---|---|
//! | `scratch` | a directory that is removed when the test process is gone |
//! | `ports`, `process`, `tls`, `wait` | free ports; children that cannot outlast us; TLS settings; polling with a deadline |
//! | `pki` | certificates and keys, good and bad |
//! | `postgres` | a real PostgreSQL, a database per test |
//! | `partner` | ASP's callback API, scriptable |
//! | `gateway` | the binary, configured, started, killed, restarted |
//! | `depot` | depots as partners have them: real servers, and what cuts the line to them |
//! | `lot` | archives made to measure |
//! | `mail`, `clamd`, `ftps` | a real SMTP server, a real antivirus, real FTPS servers |
//! | `cft` | a stand-in for Axway's Transfer CFT |
//! | `strace`, `tmpfs`, `loopdisk` | system calls watched and made to fail; a small disk; a disk to cut off |
//! | `faketime`, `chance` | a clock that jumps; a die whose seed is told |
//! | `hubee` | the hub's clients (OSL, SI, portal), a referential, télédossiers |
//! | `python` | judges from PyPI: a contract fuzzer, a TLS scanner |
//! | `archive` | archives made byte by byte |
//! | `client`, `document` | an application that sends and reads pieces; documents to send |
//!
//! Nothing here knows the gateway's inside: it meets the binary, HTTP, files and the database's URL. A journey is
//! written once and runs on both engines:
//!
//! ```ignore
//! both_engines! {
//!     async fn a_piece_is_received(kit) {
//!         let gateway = kit.start();
//!         let client = gateway.client().await;
//!         let answer = client.push(&metadata("D-1"), document::small("D-1")).await;
//!         assert_eq!(answer.status, 202);
//!     }
//! }
//! ```

pub mod archive;
pub mod cft;
pub mod chance;
pub mod clamd;
pub mod client;
pub mod contract;
pub mod depot;
pub mod document;
pub mod faketime;
pub mod ftps;
pub mod gateway;
pub mod hubee;
pub mod loopdisk;
pub mod lot;
pub mod mail;
pub mod partner;
pub mod pki;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod python;
pub mod raw;
pub mod scratch;
pub mod strace;
pub mod tls;
pub mod tmpfs;
pub mod token;
pub mod wait;

/// Makes of each journey two tests, `SENTENCE::sqlite` and `SENTENCE::postgres`; the argument is a [`gateway::Kit`].
#[macro_export]
macro_rules! both_engines {
    ($($(#[$doc:meta])* async fn $name:ident($kit:ident) $body:block)+) => {$(
        $(#[$doc])*
        async fn $name($kit: $crate::kit::gateway::Kit) $body

        mod $name {
            use $crate::kit::gateway::{Engine, Kit};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(Kit::new(Engine::Sqlite)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(Kit::new(Engine::Postgres)).await;
            }
        }
    )+};
}
