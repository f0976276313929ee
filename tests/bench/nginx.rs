//! nginx as a yardstick: WebDAV `PUT` behind the same mutual TLS. It neither hashes, encrypts nor syncs.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use super::{
    driver::{self, Load, Until},
    request::Request,
};
use crate::kit::{
    pki::pki,
    ports,
    process::{self, Fate},
    scratch, wait,
};

/// A running nginx with a store of its own.
#[derive(Debug)]
pub struct Nginx {
    dir: PathBuf,
    address: SocketAddr,
    master: Child,
    accepted: u64,
}

impl Nginx {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let dir = scratch::fresh("nginx");
        let address = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        fs::create_dir(dir.join("store")).expect("the scratch directory is writable");
        fs::write(dir.join("nginx.conf"), settings(address)).expect("so it is");
        let master = process::start(&command(&dir), Fate::Terminate, &dir.join("log"))
            .expect("nginx-light is there");
        wait::until("nginx", Duration::from_secs(10), || {
            TcpStream::connect(address).ok()
        });
        Self {
            dir,
            address,
            master,
            accepted: 0,
        }
    }

    /// Puts the content for a while under ever new names, and gives the rate.
    ///
    /// The files stay until it is dropped: removing them would keep the disk busy in the rounds that follow.
    pub fn put(&mut self, content: &[u8], connections: usize, time: Duration) -> f64 {
        let outcome = driver::run(&Load {
            address: self.address,
            connections,
            request: Request::put(content),
            expected: 201,
            until: Until::Time(time),
        });
        self.accepted += outcome.accepted;
        outcome.per_second
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Counts a file that was put by other means.
    pub fn expect_one_more(&mut self) {
        self.accepted += 1;
    }

    /// Fails unless it stored what it acknowledged.
    pub fn audit(&self) {
        let store = fs::read_dir(self.dir.join("store")).expect("it is ours");
        assert_eq!(store.count() as u64, self.accepted, "files stored by nginx");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.master);
        // Its workers end with it on this signal; if it is gone already, so are they.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.master.wait();
        // What is left goes with the scratch directory.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn command(dir: &Path) -> Command {
    let mut nginx = Command::new("/usr/sbin/nginx");
    nginx.arg("-p").arg(dir).args(["-c", "nginx.conf"]);
    nginx.args(["-e", "stderr"]);
    nginx
}

/// Two workers, as many as the machine of record has processors; else Debian's defaults.
fn settings(address: SocketAddr) -> String {
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let certificate = pki().server.certificate.display();
    let key = pki().server.key.display();
    let root = pki().root.display();
    format!(
        "{user}
daemon off;
worker_processes 2;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen {address} ssl;
    server_name localhost;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_client_certificate {root};
    ssl_verify_client on;
    client_max_body_size 2g;
    location / {{ root store; dav_methods PUT; }}
  }}
}}
"
    )
}
