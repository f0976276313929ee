//! Archives on their way in (ARC-1, ARC-3, TRC-1): from a depot to the receipt that lies beside it.

mod antivirus;
mod beside;
mod clock;
mod crashes;
mod cuts;
mod dossiers;
mod duplicates;
mod flows;
pub mod formats;
mod journey;
mod leases;
mod leaving;
mod memory;
mod refusals;
mod shown;
mod trouble;

use std::{fs, time::Duration};

use serde_json::Value;

use crate::kit::{
    depot::Depot,
    gateway::{Gateway, Kit, PROJECT},
    wait,
};

/// Enough for whatever happens at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(150);

/// A gateway with this depot, looked at five times a second.
pub fn at(kit: Kit, depot: &Depot) -> Kit {
    kit.with_depot(depot.name(), with_poll(&depot.settings()))
}

/// The depot's settings, looked at five times a second.
pub fn with_poll(settings: &str) -> String {
    format!("poll_millis = 200\n{settings}")
}

/// The receipt of `name`, once both of its files stand on the depot.
#[track_caller]
pub fn receipt(depot: &Depot, name: &str) -> Value {
    receipt_named(depot, &format!("{name}.ack"))
}

/// The same by the name of its files, without their endings.
#[track_caller]
pub fn receipt_named(depot: &Depot, name: &str) -> Value {
    let json = depot.inside(&format!("receipts/{name}.json"));
    let signed = depot.inside(&format!("receipts/{name}.p7s"));
    wait::until(&format!("receipt {name}"), SOON, || {
        (json.exists() && signed.exists()).then_some(())
    });
    let text = fs::read(json).expect("it is there");
    serde_json::from_slice(&text).expect("a receipt is JSON")
}

/// Waits until the source is gone from the incoming folder, with all work that follows from it but the pieces'.
#[track_caller]
pub fn left(gateway: &Gateway, depot: &Depot, name: &str) {
    let source = depot.inside(&format!("in/{name}"));
    wait::until(&format!("{name} leaving"), SOON, || {
        let rows = gateway.count("SELECT count(*) FROM depot_file");
        (!source.exists() && rows == 0).then_some(())
    });
}

/// The exchange of a receipt, as a text.
pub fn exchange(receipt: &Value) -> &str {
    receipt["reconciliationId"].as_str().expect("an id")
}

/// Takes the demand of a scan from the project of a gateway that does not run; what brings it back.
pub fn undemanding(gateway: &Gateway) -> impl Fn() + use<> {
    let file = gateway.dir().join(format!("projects/{PROJECT}.toml"));
    let demanding = fs::read_to_string(&file).unwrap();
    fs::write(&file, demanding.replace("antivirus = \"required\"\n", "")).unwrap();
    move || fs::write(&file, &demanding).unwrap()
}

/// Makes of each journey one test per transport on the embedded database, and one on PostgreSQL; the arguments are a
/// [`Kit`] and a [`Depot`].
#[macro_export]
macro_rules! everywhere {
    ($($(#[$doc:meta])* fn $name:ident($kit:ident, $depot:ident) $body:block)+) => {$(
        $(#[$doc])*
        fn $name($kit: $crate::kit::gateway::Kit, $depot: $crate::kit::depot::Depot) $body

        mod $name {
            use $crate::kit::{depot::{Depot, Make}, gateway::{Engine, Kit}};

            #[test]
            fn folder() {
                super::$name(Kit::new(Engine::Sqlite), Depot::start(Make::Folder));
            }

            #[test]
            fn folder_postgres() {
                super::$name(Kit::new(Engine::Postgres), Depot::start(Make::Folder));
            }

            #[test]
            fn sftp() {
                super::$name(Kit::new(Engine::Sqlite), Depot::start(Make::Sftp));
            }

            #[test]
            fn vsftpd() {
                super::$name(Kit::new(Engine::Sqlite), Depot::start(Make::Vsftpd));
            }

            #[test]
            fn proftpd() {
                super::$name(Kit::new(Engine::Sqlite), Depot::start(Make::Proftpd));
            }
        }
    )+};
}
