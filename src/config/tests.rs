use std::collections::BTreeSet;

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

/// An example of `deploy/` with its commented lines of these forms switched on, and a reader of it.
fn example(name: &str, forms: &[&str]) -> (tempfile::TempDir, Reader) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let on = text.lines().map(|line| switched_on(line, forms) + "\n");
    let folder = written(&[("navette.toml", &on.collect::<String>())]);
    let reader = Reader::open(&folder.path().join("navette.toml"));
    (folder, reader)
}

/// `# key = value` and `## key = value` are settings; all other comments are sentences.
fn switched_on(line: &str, forms: &[&str]) -> String {
    let setting = forms.iter().find_map(|form| line.strip_prefix(form));
    let key = setting.and_then(|setting| setting.split_once(" = "));
    let is_key = |key: &str| key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    match (setting, key) {
        (Some(setting), Some((key, _))) if is_key(key) => setting.to_owned(),
        _ => line.to_owned(),
    }
}

/// Named but not there: the examples point to files of a machine that we are not.
fn other_than_missing_files(reader: Reader) -> Vec<String> {
    let faults = reader.finish().into_iter();
    let other = faults.filter(|fault| !fault.detail.contains("No such file"));
    other
        .map(|fault| format!("{} {}", fault.pointer, fault.detail))
        .collect()
}

const ALL: &[&str] = &["# ", "## "];

#[test]
fn the_example_of_the_settings_names_every_key_and_no_other() {
    let (_folder, mut reader) = example("navette.toml", ALL);
    Gateway::read(&mut reader);
    assert_eq!(reader.present(), reader.asked());
    assert_eq!(other_than_missing_files(reader), [""; 0]);
}

#[test]
fn the_example_of_a_project_names_every_key_and_no_other() {
    let (_folder, mut reader) = example("projects/example.toml", ALL);
    Project::read(&mut reader);
    assert_eq!(reader.present(), reader.asked());
    assert_eq!(other_than_missing_files(reader), [""; 0]);
}

#[test]
fn the_defaults_that_the_examples_show_are_those_of_the_program() {
    for name in ["navette.toml", "projects/example.toml"] {
        let shown = |forms: &[&str]| {
            let (folder, mut reader) = example(name, forms);
            let read = match name {
                "navette.toml" => format!("{:#?}", Gateway::read(&mut reader)),
                _ => format!("{:#?}", Project::read(&mut reader)),
            };
            read.replace(&folder.path().display().to_string(), "")
        };
        assert_eq!(shown(&["# "]), shown(&[]), "{name}");
    }
}

const DEPOTS: &[&str] = &["folder", "sftp", "ftps", "cft"];

/// Keys of different flows are the same key.
fn of_any_flow(keys: BTreeSet<String>) -> BTreeSet<String> {
    let digits = |c: char| c.is_ascii_digit();
    let keys = keys.iter();
    keys.map(|key| key.replace(digits, "")).collect()
}

#[test]
fn the_examples_of_depots_name_every_key_and_no_other() {
    for transport in DEPOTS {
        let file = format!("depots/{transport}.toml");
        let (mut asked, mut present) = (BTreeSet::new(), BTreeSet::new());
        // Of alternatives, one hides the other: both forms of the example are read.
        let rest = [("send = \"cftutil\"", "send = \"rest\""), ("", "")];
        for (from, to) in rest {
            let (folder, _) = example(&file, ALL);
            let settings = folder.path().join("navette.toml");
            let text = std::fs::read_to_string(&settings).unwrap();
            std::fs::write(&settings, text.replace(from, to)).unwrap();
            let mut reader = Reader::open(&settings);
            Depot::read(&mut reader);
            asked.extend(of_any_flow(reader.asked()));
            present.extend(of_any_flow(reader.present()));
        }
        assert_eq!(present, asked, "{transport}");
    }
}

#[test]
fn the_examples_of_depots_load_and_show_the_defaults_of_the_program() {
    for transport in DEPOTS {
        let file = format!("depots/{transport}.toml");
        let shown = |forms: &[&str]| {
            let (folder, mut reader) = example(&file, forms);
            let read = format!("{:#?}", Depot::read(&mut reader));
            assert_eq!(other_than_missing_files(reader), [""; 0]);
            read.replace(&folder.path().display().to_string(), "")
        };
        assert_eq!(shown(&["# "]), shown(&[]), "{transport}");
    }
}

#[test]
fn every_fault_of_every_depot_is_reported_with_those_of_the_rest() {
    let folder = written(&[("navette.toml", "")]);
    let depots = folder.path().join("depots");
    std::fs::create_dir(&depots).unwrap();
    let sftp = "depot = \"a\"\ntransport = \"sftp\"\n[sftp]\nhost = \"h\"\nuser = \"u\"\nhost_key = [\"ab:cd\"]\n\
                agent = true\npassword_file = \"none\"\n\
                [[flow]]\nname = \"x\"\nproject = \"nobody\"\ndirection = \"in\"\npath = \"../etc\"\nreceipts = \"r\"\nformats = [\"rar\"]\n\
                [[flow]]\nname = \"x\"\nproject = \"nobody\"\ndirection = \"acknowledgments\"\npath = \"p\"\n\
                answers = \"x\"\npattern = \"*.ack\"\ncolour = 1\n";
    std::fs::write(depots.join("1.toml"), sftp).unwrap();
    let bare = "depot = \"a\"\ntransport = \"pigeon\"\n";
    std::fs::write(depots.join("2.toml"), bare).unwrap();
    let fault = load(&folder.path().join("navette.toml"), &Environment::new()).unwrap_err();
    let all = fault.to_string();
    for key in [
        "navette.toml:listen.certificate",
        "1.toml:sftp.host_key",
        "1.toml:sftp.password_file",
        "1.toml:sftp ",
        "1.toml:flow[0].path",
        "1.toml:flow[0].formats",
        "1.toml:flow[0].project",
        "1.toml:flow[1].name",
        "1.toml:flow[1].answers",
        "1.toml:flow[1].pattern",
        "1.toml:flow[1].colour",
        "2.toml:depot",
        "2.toml:transport",
        "2.toml:flow",
    ] {
        assert!(all.contains(key), "{key} is not in:\n{all}");
    }
}
