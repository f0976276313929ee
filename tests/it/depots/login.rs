//! How we prove who we are to an SSH server: password, key, encrypted key, agent.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use crate::kit::{
    depot::{
        DIRECT, Depot, Make, Server,
        sshd::{PASSPHRASE, Sshd},
    },
    process::{self, Fate, Finished},
    scratch, wait,
};

/// The settings of a depot at this server with these lines about the login.
fn settings(sshd: &Sshd, login: &str) -> String {
    let lines = format!("{login}\nhost_key = [{:?}]", sshd.fingerprint("host"));
    format!(
        "depot = \"partenaire\"\ntransport = \"sftp\"\n{}\n[[flow]]\nname = \"retours\"\nproject = \"marche-1\"\n\
         direction = \"out\"\npath = \"out\"\n",
        sshd.section(DIRECT, &lines)
    )
}

/// `depot check` with this login.
fn checked(sshd: &Sshd, login: &str, environment: &[(&str, &str)]) -> Finished {
    let depot = Depot::start(Make::Folder);
    depot.write_text(&settings(sshd, login));
    let mut command = depot.command_as_written(&["depot", "check", "partenaire"]);
    command
        .env_remove("SSH_AUTH_SOCK")
        .envs(environment.iter().copied());
    process::run(&command, 60)
}

fn server() -> Sshd {
    let root = scratch::fresh("depot");
    fs::create_dir(root.join("out")).unwrap();
    Sshd::start(root)
}

#[test]
fn each_way_to_log_in_lets_us_in() {
    let sshd = server();
    let key = |name: &str| format!("key_file = {:?}", sshd.file(name));
    let password = format!("password_file = {:?}", sshd.file("password"));
    let encrypted = format!(
        "{}\npassphrase_file = {:?}",
        key("encrypted"),
        sshd.file("passphrase")
    );
    for login in [&password, &key("user"), &encrypted] {
        let said = checked(&sshd, login, &[]).succeeded();
        assert!(said.contains("works"), "{said}");
    }
    let log = sshd.log();
    for way in ["Accepted password", "ssh2: ED25519", "ssh2: RSA"] {
        assert!(log.contains(way), "{way}: {log}");
    }
}

/// As PAM does: no password is taken, it is asked for.
#[test]
fn a_server_that_asks_for_the_password_by_a_prompt_lets_us_in() {
    let root = scratch::fresh("depot");
    fs::create_dir(root.join("out")).unwrap();
    let prompting = "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n";
    let sshd = Sshd::start_with(root, prompting);
    let login = format!("password_file = {:?}", sshd.file("password"));
    let said = checked(&sshd, &login, &[]).succeeded();
    assert!(said.contains("works"), "{said}");
    assert!(
        sshd.log().contains("Accepted keyboard-interactive"),
        "{}",
        sshd.log()
    );
    let wrong = sshd.file("wrong");
    fs::write(&wrong, "devinez").unwrap();
    let said = checked(&sshd, &format!("password_file = {wrong:?}"), &[]);
    assert!(
        said.stdout.contains("depot-login-refused"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_login_that_does_not_fit_is_told_as_such_and_no_secret_with_it() {
    let sshd = server();
    let wrong = sshd.file("wrong");
    fs::write(&wrong, "devinez").unwrap();
    let encrypted = sshd.file("encrypted");
    let stranger = sshd.file("other-host");
    for login in [
        format!("password_file = {wrong:?}"),
        format!("key_file = {stranger:?}"),
        format!("key_file = {encrypted:?}"),
        format!("key_file = {encrypted:?}\npassphrase_file = {wrong:?}"),
        "agent = true".to_owned(),
    ] {
        let said = checked(&sshd, &login, &[]);
        let shown = format!("{}{}", said.stdout, said.stderr);
        assert_eq!(said.status.code(), Some(1), "{shown}");
        assert!(shown.contains("depot-login-refused"), "{login}: {shown}");
        assert!(
            !shown.contains("devinez") && !shown.contains(PASSPHRASE),
            "{shown}"
        );
    }
}

/// An agent that holds these keys; it ends when dropped.
struct Agent {
    socket: PathBuf,
    child: Child,
}

impl Agent {
    fn start(sshd: &Sshd, keys: &[&str]) -> Self {
        let socket = scratch::fresh("agent").join("socket");
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a"]).arg(&socket);
        let child = process::start(&command, Fate::Kill, &sshd.file("agent.log")).unwrap();
        wait::until("agent", Duration::from_secs(60), || {
            socket.exists().then_some(())
        });
        for key in keys {
            let mut command = Command::new("ssh-add");
            command.arg(sshd.file(key)).env("SSH_AUTH_SOCK", &socket);
            process::run(&command, 10).succeeded();
        }
        Self { socket, child }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_agent_shows_its_keys_until_one_fits() {
    let sshd = server();
    let agent = Agent::start(&sshd, &["other-host", "user"]);
    let socket = agent.socket.to_str().unwrap();
    let said = checked(&sshd, "agent = true", &[("SSH_AUTH_SOCK", socket)]);
    assert!(said.succeeded().contains("works"));
    let strangers = Agent::start(&sshd, &["other-host", "rsa-host"]);
    let socket = strangers.socket.to_str().unwrap();
    let said = checked(&sshd, "agent = true", &[("SSH_AUTH_SOCK", socket)]);
    assert!(
        said.stdout.contains("depot-login-refused"),
        "{}",
        said.stdout
    );
}
