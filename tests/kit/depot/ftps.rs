//! The FTPS servers of the kit as depots. ProFTPD lets uploads be continued here, which it does not by default: what it does by
//! default is tried in `ftps::sessions`. What a data connection brought and ProFTPD has not read is lost with a session that is
//! cut, and the system lets that be a whole file: here it is little, so that a test can tell what has to be sent again.

use std::path::{Path, PathBuf};

use super::{Server, folder};
use crate::kit::ftps::{DATA_PORTS, FtpsServer, Make, Wanted};

/// Starts one over a folder.
pub fn start(make: Make, root: PathBuf) -> FtpsServer {
    let more = match make {
        Make::Vsftpd => "",
        Make::Proftpd => "AllowStoreRestart on\nSocketOptions rcvbuf 524288\n",
    };
    let root = Some(root);
    FtpsServer::start_as(
        make,
        Wanted {
            root,
            more,
            ..Wanted::default()
        },
    )
}

impl Server for FtpsServer {
    fn root(&self) -> &Path {
        self.root()
    }

    fn settings(&self, host: &str) -> String {
        let section = self.settings();
        let section = section.replace("host = \"localhost\"", &format!("host = \"{host}\""));
        format!("transport = \"ftps\"\n{section}server_name = \"localhost\"\n")
    }

    fn ports(&self) -> Vec<u16> {
        let data = self.data();
        let mut ports = vec![self.port()];
        ports.extend(data..data + DATA_PORTS);
        ports
    }

    fn forbid_writing(&self, folder: &str) {
        folder::make_read_only(&self.root().join(folder));
    }

    fn vanish(&mut self) {
        self.vanish();
    }

    fn appear(&mut self) {
        self.appear();
    }

    fn log(&self) -> String {
        self.log()
    }
}
