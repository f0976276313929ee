//! The demonstration's depot: a folder, or the same folder behind a real OpenSSH server on a free loopback port.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use clap::ValueEnum;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{sleep, timeout},
};

use super::stage::{self, CLIENT, DEPOT, PROJECT, Stage};
use crate::kernel::fault::{Code, Fault, Result};

/// The folders of its flows.
const FOLDERS: [&str; 5] = ["in", "receipts", "rejected", "out", "acks"];
/// How long a helper such as `ssh-keygen` may take.
const COMMAND: Duration = Duration::from_secs(20);
/// Between two looks for the server.
const LOOK: Duration = Duration::from_millis(20);
/// Where Debian puts the server: it wants to be called by its whole path.
const SSHD: &str = "/usr/sbin/sshd";

/// How the depot is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reach {
    /// As a folder of this machine.
    Folder,
    /// By SFTP, through an OpenSSH server of its own.
    Sftp,
}

/// A depot with nothing in it, and what serves it.
pub struct Depot {
    root: PathBuf,
    /// What it is, in words.
    pub about: String,
    server: Option<Child>,
}

impl Depot {
    /// Empties the depot's folders, starts what serves them and writes `depots/demo.toml`.
    pub async fn open(stage: &Stage, reach: Reach) -> Result<Self> {
        let root = stage.path("depot");
        for folder in FOLDERS.map(|name| root.join(name)) {
            // What an earlier run left there would be taken for this one's.
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).map_err(Fault::unavailable)?;
        }
        let mut depot = Self {
            about: "a folder".to_owned(),
            root,
            server: None,
        };
        let (transport, above) = match reach {
            Reach::Folder => {
                let path = &depot.root;
                let lines = format!("transport = \"folder\"\n[folder]\npath = {path:?}\n");
                (lines, String::new())
            }
            // The server shows the whole machine to this key: paths start at its root.
            Reach::Sftp => (
                depot.serve(stage).await?,
                format!("{}/", depot.root.display()),
            ),
        };
        fs::create_dir_all(stage.path("depots")).map_err(Fault::unavailable)?;
        let flows = flows(&above);
        let text = format!("depot = \"{DEPOT}\"\npoll_millis = 200\n{transport}{flows}");
        stage::put(&stage.path("depots").join("demo.toml"), text)?;
        Ok(depot)
    }

    /// A path inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Ends what serves it.
    pub async fn stop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill().await;
        }
    }

    /// Starts an OpenSSH server that shows the depot to one key, and answers the lines of the settings that lead there.
    async fn serve(&mut self, stage: &Stage) -> Result<String> {
        if !std::path::Path::new(SSHD).exists() {
            let detail = "no /usr/sbin/sshd: install openssh-server (`make demo DEPOT=sftp` does)";
            return Err(Fault::new(Code::Configuration, detail));
        }
        let dir = stage.path("sshd");
        fs::create_dir_all(&dir).map_err(Fault::unavailable)?;
        for key in ["host", "client"].map(|name| dir.join(name)) {
            if !key.exists() {
                let key = key.display().to_string();
                told("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key]).await?;
            }
        }
        let host = dir.join("host.pub").display().to_string();
        let shown = told("ssh-keygen", &["-lf", &host]).await?;
        let fingerprint = shown.split(' ').nth(1).unwrap_or_default().to_owned();
        let user = told("id", &["-un"]).await?;
        let port = self.start(&dir).await?;
        self.about = format!("a folder behind OpenSSH, by SFTP on port {port}");
        let key = dir.join("client");
        Ok(format!(
            "transport = \"sftp\"\n[sftp]\nhost = \"127.0.0.1\"\nport = {port}\nuser = {user:?}\nkey_file = {key:?}\n\
             host_key = [{fingerprint:?}]\n"
        ))
    }

    async fn start(&mut self, dir: &std::path::Path) -> Result<u16> {
        // It is free again when the server takes it, a moment later; another that takes it first ends the demonstration.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let port = listener
            .and_then(|listener| listener.local_addr())
            .map_err(Fault::unavailable)?
            .port();
        let (file, shown) = (dir.join("sshd_config"), dir.display());
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey \"{shown}/host\"\nPidFile none\nUsePAM no\nStrictModes no\n\
             AuthorizedKeysFile \"{shown}/client.pub\"\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n\
             Subsystem sftp internal-sftp\nForceCommand internal-sftp\nAllowTcpForwarding no\nX11Forwarding no\n"
        );
        stage::put(&file, text)?;
        if rustix::process::getuid().is_root() {
            // As its service does: the folder of the half without rights.
            let _ = fs::create_dir("/run/sshd");
        }
        let log = fs::File::create(dir.join("sshd.log")).map_err(Fault::unavailable)?;
        let mut command = Command::new(SSHD);
        command.args(["-D", "-e", "-f"]).arg(&file);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.server = Some(
            command
                .kill_on_drop(true)
                .spawn()
                .map_err(Fault::unavailable)?,
        );
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                sleep(LOOK).await;
            }
        };
        let detail = format!("OpenSSH did not start; its log: {shown}/sshd.log");
        let started = timeout(COMMAND, listens).await;
        started.map_err(|_| Fault::new(Code::Unavailable, detail))?;
        Ok(port)
    }
}

/// The flows, whose folders are below `above`.
fn flows(above: &str) -> String {
    let [inbox, receipts, rejected, out, acks] = FOLDERS.map(|name| format!("{above}{name}"));
    format!(
        "\n[[flow]]\nname = \"lots\"\nproject = \"{PROJECT}\"\ndirection = \"in\"\npath = {inbox:?}\nreceipts = {receipts:?}\n\
         rejected = {rejected:?}\nclient = \"{CLIENT}\"\n\
         \n[[flow]]\nname = \"retours\"\nproject = \"{PROJECT}\"\ndirection = \"out\"\npath = {out:?}\n\
         \n[[flow]]\nname = \"acquittements\"\nproject = \"{PROJECT}\"\ndirection = \"acknowledgments\"\npath = {acks:?}\n\
         answers = \"retours\"\n"
    )
}

/// What a command says, without the blanks around it.
async fn told(program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let said = timeout(COMMAND, command.output()).await;
    let said = said
        .map_err(Fault::unavailable)?
        .map_err(|error| Fault::new(Code::Unavailable, format!("{program}: {error}")))?;
    match said.status.success() {
        true => Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned()),
        false => Err(Fault::new(Code::Unavailable, format!("{program} failed"))),
    }
}
