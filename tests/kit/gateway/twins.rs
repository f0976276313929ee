//! A second `navette serve` on the same settings, database and data folder, on ports of its own.

use std::{
    net::{SocketAddr, TcpStream},
    process::Child,
    time::Duration,
};

use super::{Gateway, PATIENCE, health};
use crate::kit::{
    client::Client,
    ports,
    process::{self, Fate},
    wait,
};

/// A running second front door; killed when dropped.
#[derive(Debug)]
pub struct Twin {
    child: Child,
    address: SocketAddr,
}

impl Gateway {
    /// Starts one and comes back when it is ready.
    pub fn start_twin(&self) -> Twin {
        let [address, health] =
            [ports::free(), ports::free()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let mut command = self.command(&["serve"]);
        command
            .env("NAVETTE_LISTEN__ADDRESS", address.to_string())
            .env("NAVETTE_HEALTH__ADDRESS", health.to_string());
        let child = process::start(&command, Fate::Kill, &self.log_file());
        let child = child.expect("the binary is built");
        wait::until("ready twin", Duration::from_secs(PATIENCE.into()), || {
            let ready = matches!(health::get(health, "/health/ready"), Some((200, _)));
            (ready && TcpStream::connect(address).is_ok()).then_some(())
        });
        Twin { child, address }
    }
}

impl Twin {
    /// The same application, token and all, that calls this door, on connections of its own.
    pub fn client(&self, client: &Client) -> Client {
        client.at(&format!("https://localhost:{}", self.address.port()))
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
