//! What is FTPS's own, on vsftpd with `require_ssl_reuse=YES` and on ProFTPD with its defaults: TLS and its sessions, passive
//! mode, implicit mode, replies that tell more than a broken pipe. What all transports share is tried in `depots`.

mod sessions;
mod trust;
mod wire;

use std::{fs, io::Cursor, sync::Arc};

use navette::{
    config::{Depot, depots},
    kernel::{
        clock::Clock,
        fault::{Code, Result},
    },
    transport::{self, Session},
};

use crate::kit::scratch;

/// A sentence about both servers: the argument is the [`Make`](crate::kit::ftps::Make).
macro_rules! both_servers {
    ($($(#[$doc:meta])* fn $name:ident($make:ident) $body:block)+) => {$(
        $(#[$doc])*
        fn $name($make: $crate::kit::ftps::Make) $body

        mod $name {
            use $crate::kit::ftps::Make;

            #[test]
            fn vsftpd() {
                super::$name(Make::Vsftpd);
            }

            #[test]
            fn proftpd() {
                super::$name(Make::Proftpd);
            }
        }
    )+};
}
use both_servers;

/// A depot with these settings of its section `[ftps]`.
fn depot(section: &str) -> Arc<Depot> {
    let dir = scratch::fresh("depots");
    let text = format!(
        "depot = \"partenaire\"\ntransport = \"ftps\"\ntimeout_seconds = 5\n{section}\n\
         [[flow]]\nname = \"retours\"\nproject = \"marche-1\"\ndirection = \"out\"\npath = \"out\"\n"
    );
    fs::create_dir(dir.join("depots")).expect("the scratch directory is writable");
    fs::write(dir.join("depots/partenaire.toml"), text).expect("so is its folder");
    depots::depot(&dir.join("navette.toml"), "partenaire").expect("the settings are sound")
}

fn connect(section: &str) -> Result<Box<dyn Session>> {
    transport::connect(&depot(section), &Clock::system())
}

/// What a session with these settings fails with.
#[track_caller]
fn refused(section: &str) -> Code {
    match connect(section) {
        Ok(_) => panic!("the session stands"),
        Err(fault) => fault.code(),
    }
}

fn agreed(session: &dyn Session, name: &str) -> String {
    let all = session.agreed();
    let found = all.iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{name}: {all:?}")).1.clone()
}

fn put(session: &mut dyn Session, path: &str, content: &[u8]) -> Result<u64> {
    session.write(path, 0, &mut Cursor::new(content))
}

#[track_caller]
fn got(session: &mut dyn Session, path: &str, from: u64) -> Vec<u8> {
    let mut content = Vec::new();
    let mut sink = |bytes: &[u8]| {
        content.extend_from_slice(bytes);
        Ok(())
    };
    session.read(path, from, &mut sink).expect("it is there");
    content
}

/// Bytes that no compression shortens, other ones for each seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}
