use super::*;

fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("projects")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn every_error_of_every_file_is_reported_in_one_load_with_file_and_key() {
    let folder = written(&[
        (
            "navette.toml",
            "colour = 1\n[listen]\npublic_url = \"http://x/\"\naddress = \"nowhere\"\n[limits]\ntransaction_bytes = -1\n",
        ),
        (
            "projects/a.toml",
            "project = \"Bad Name\"\n[callback]\nurl = \"ftp://x\"\n",
        ),
    ]);
    let fault = load(&folder.path().join("navette.toml"), &Environment::new()).unwrap_err();
    let all = fault.to_string();
    for key in [
        "navette.toml:colour",
        "navette.toml:listen.public_url",
        "navette.toml:listen.address",
        "navette.toml:limits.transaction_bytes",
        "navette.toml:listen.certificate",
        "navette.toml:keys.master_key_file",
        "a.toml:project",
        "a.toml:media_types",
        "a.toml:callback.url",
        "a.toml:callback.ca",
    ] {
        assert!(all.contains(key), "{key} is not in:\n{all}");
    }
}

#[test]
fn the_environment_overrides_a_key_and_its_mistakes_are_reported_as_the_files_are() {
    let folder = written(&[("navette.toml", "")]);
    let mut environment = Environment::new();
    environment.insert("NAVETTE_LIMITS__TRANSACTION_BYTES".into(), "5".into());
    environment.insert("NAVETTE_LIMITS__COLOUR".into(), "red".into());
    let fault = load(&folder.path().join("navette.toml"), &environment).unwrap_err();
    let all = fault.to_string();
    assert!(all.contains("limits.transaction_bytes"), "{all}");
    assert!(all.contains("limits.colour"), "{all}");
}
