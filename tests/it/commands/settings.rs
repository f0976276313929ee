//! What `check-config` tells of settings that cannot be served by, and that `serve` touches nothing then.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use crate::kit::{
    gateway::{Engine, Kit},
    pki::pki,
    process,
};

/// Seconds for a command on a busy machine.
const PATIENCE: u32 = 60;

/// What no key, certificate or authority reads as.
const RUBBISH: &str = "rien de lisible\n";

fn kit() -> Kit {
    Kit::new(Engine::Sqlite)
}

/// One fault of the settings themselves, and one of each sort of file that they name.
fn unfit(kit: Kit) -> Kit {
    let rubbish = kit.dir().join("rubbish");
    fs::write(&rubbish, RUBBISH).expect("the scratch directory is writable");
    let rubbish = format!("{rubbish:?}");
    let of_another = format!("{:?}", pki().outbound.key);
    let kit = kit
        .set("limits.body_bytes_per_second", 0)
        .set("listen.key_file", &of_another)
        .set("listen.client_ca", &rubbish)
        .set("receipts.key_file", &of_another)
        .set("keys.master_key_file", &rubbish)
        .set("tokens.key_file", &rubbish)
        .set("tokens.previous_key_file", &rubbish)
        .set("smtp.host", "\"localhost\"")
        .set("smtp.from", "\"navette@asp.example\"")
        .set("smtp.ca", &rubbish)
        .set("hubee.address", "\"127.0.0.1:0\"")
        .set("hubee.public_url", "\"https://localhost:1\"")
        .set(
            "hubee.certificate",
            format!("{:?}", pki().server.certificate),
        )
        .set("hubee.key_file", &of_another);
    kit.set_project("callback.ca", &rubbish)
        .set_project("callback.webhook_key_file", &rubbish)
        .set_project("incidents.webhook_url", "\"https://tickets.example\"")
        .set_project("incidents.webhook_ca", &rubbish)
        .set_project(
            "incidents.webhook_key_file",
            format!("{:?}", pki().webhook_key),
        )
}

/// Where [`unfit`] is at fault.
const PLACES: &[&str] = &[
    "navette.toml:limits.body_bytes_per_second",
    "navette.toml:listen.key_file",
    "navette.toml:listen.client_ca",
    "navette.toml:receipts.certificate",
    "navette.toml:keys.master_key_file",
    "navette.toml:tokens.key_file",
    "navette.toml:tokens.previous_key_file",
    "navette.toml:smtp.ca",
    "navette.toml:hubee.key_file",
    "marche-1.toml:callback.ca",
    "marche-1.toml:callback.webhook_key_file",
    "marche-1.toml:incidents.webhook_ca",
];

#[test]
fn every_fault_of_what_the_settings_name_is_told_at_once_and_nothing_is_made() {
    let kit = unfit(kit());
    kit.write();
    for command in ["check-config", "serve", "worker"] {
        let said = kit.run(&[command]).failed_with(3);
        for place in PLACES {
            assert!(
                said.contains(place),
                "{command}: {place} is not in:\n{said}"
            );
        }
        assert!(!kit.dir().join("data").exists(), "{command}");
    }
}

#[test]
fn sound_settings_are_checked_without_a_trace() {
    let kit = kit();
    kit.write();
    kit.run(&["check-config"]).succeeded();
    assert!(!kit.dir().join("data").exists());
}

#[test]
fn two_files_of_one_project_do_not_load() {
    let kit = kit()
        .and_project("marche-2", "/autre")
        .set_in("marche-2", "project", "\"marche-1\"");
    kit.write();
    let said = kit.run(&["check-config"]).failed_with(3);
    assert!(said.contains("marche-2.toml:project"), "{said}");
    assert!(said.contains("projects/marche-1.toml"), "{said}");
}

#[test]
fn health_and_metrics_listen_on_the_loopback_only() {
    for key in ["health.address", "health.worker_address"] {
        let kit = kit().set(key, "\"0.0.0.0:9180\"");
        kit.write();
        let said = kit.run(&["check-config"]).failed_with(3);
        let told = format!("navette.toml:{key} ");
        assert!(said.contains(&told) && said.contains("loopback"), "{said}");
    }
}

/// The others are none of ours.
#[test]
fn a_variable_of_ours_that_is_no_text_is_told_by_its_name() {
    let gateway = kit().stopped();
    let stray = OsStr::from_bytes(b"caf\xe9");
    let mut command = gateway.prepared(&["check-config"]);
    command.env("LIBELLE", stray);
    process::run(&command, PATIENCE).succeeded();
    command.env("NAVETTE_LISTEN__ADDRESS", stray);
    let said = process::run(&command, PATIENCE).failed_with(3);
    assert!(said.contains("navette.toml:listen.address"), "{said}");
    assert!(said.contains("NAVETTE_LISTEN__ADDRESS"), "{said}");
}
