//! A TCP connection within a deadline, the look-up of the name included.

use std::{
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::kernel::fault::{Code, Fault, Result};

/// Connects to `host` before `end`, trying each of its addresses. Fails with `depot-unreachable`.
pub fn dial(host: &str, port: u16, end: Instant) -> Result<TcpStream> {
    let mut addresses = look_up(host, port, end)?;
    // Whoever answers none of four does not answer.
    addresses.truncate(4);
    let mut cause = "the name has no address".to_owned();
    for (at, address) in addresses.iter().enumerate() {
        let share = left(end) / (addresses.len() - at) as u32;
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(Fault::internal)?;
                return Ok(stream);
            }
            Err(error) => cause = format!("{address}: {error}"),
        }
    }
    Err(unreachable(cause))
}

/// What is left until `end`; nothing where it is over.
pub fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

/// The fault of a server that cannot be reached.
pub fn unreachable(cause: impl std::fmt::Display) -> Fault {
    let detail = "Le serveur du dépôt ne répond pas.";
    Fault::new(Code::DepotUnreachable, detail).because(cause)
}

/// The system's resolver knows no deadline: it is asked from a thread that is left behind where it takes too long.
fn look_up(host: &str, port: u16, end: Instant) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (reply, answer) = mpsc::channel();
    let name = host.to_owned();
    thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Whoever asked may have gone.
        let _ = reply.send(found.map(Iterator::collect));
    });
    match answer.recv_timeout(left(end)) {
        Ok(found) => found.map_err(|error| unreachable(format!("{host}: {error}"))),
        Err(_) => Err(unreachable(format!("{host}: the resolver is silent"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_nobody_listens_on_is_unreachable_at_once() {
        let end = Instant::now() + Duration::from_secs(5);
        let fault = dial("localhost", 1, end).unwrap_err();
        assert_eq!(fault.code(), Code::DepotUnreachable);
        assert!(left(end) > Duration::from_secs(3));
    }
}
