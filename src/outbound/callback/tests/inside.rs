//! Hosts that lead inside a network, in every spelling, and a name that changes its mind: no connection is made.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{attempt_by, keys, partner::Authority, refusal, settings};
use crate::{
    kernel::{clock::Clock, fault::Code},
    outbound::callback::{Reason, Sender, Settings, address::Policy},
};

/// One a line; `#` begins a comment.
const HOSTS: &str = include_str!("hosts-inside.txt");

fn hosts() -> Vec<&'static str> {
    let hosts = HOSTS.lines().filter(|line| !line.starts_with('#'));
    hosts.collect()
}

/// What listens on every address of this machine, and must not be called.
struct Ears(Vec<TcpListener>);

impl Ears {
    fn open() -> (Self, u16) {
        let first = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = first.local_addr().unwrap().port();
        // A machine without IPv6 has one ear less.
        let second = TcpListener::bind(("::1", port)).ok();
        let ears: Vec<_> = [first].into_iter().chain(second).collect();
        for ear in &ears {
            ear.set_nonblocking(true).unwrap();
        }
        (Self(ears), port)
    }

    #[track_caller]
    fn heard_nothing(&self, host: &str) {
        for ear in &self.0 {
            let heard = ear.accept().map(|(_, from)| from);
            assert_eq!(
                heard.map_err(|error| error.kind()),
                Err(ErrorKind::WouldBlock),
                "{host}"
            );
        }
    }
}

fn towards(authority: &Authority, host: &str, port: u16) -> Settings {
    let mut settings = settings(authority, port);
    settings.url = format!("https://{host}:{port}/retours");
    settings.allow = Vec::new();
    settings.connect_timeout = Duration::from_millis(500);
    settings.timeout = Duration::from_secs(1);
    settings
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_connected_to() {
    let (authority, (ears, port)) = (Authority::new(), Ears::open());
    assert!(hosts().len() >= 60, "{}", hosts().len());
    for host in hosts() {
        match Sender::new(
            &towards(&authority, host, port),
            keys::signer(),
            Clock::system(),
        ) {
            Err(fault) => assert_eq!(fault.code(), Code::Configuration, "{host}"),
            Ok(sender) => {
                assert_eq!(
                    sender.check_name().await.expect_err(host).code(),
                    Code::Configuration,
                    "{host}"
                );
                let refusal = refusal(attempt_by(sender).await);
                assert_eq!(refusal.reason, Reason::AddressRefused, "{host}");
            }
        }
        ears.heard_nothing(host);
    }
}

/// The same hosts are called where the settings allow them: it is the check that keeps the others from it.
#[tokio::test]
async fn an_inner_address_that_is_allowed_is_connected_to() {
    let (authority, (ears, port)) = (Authority::new(), Ears::open());
    for host in ["127.1", "localhost", "2130706433"] {
        let mut settings = towards(&authority, host, port);
        settings.allow = vec!["127.0.0.0/8".into(), "::1/128".into()];
        refusal(attempt_by(Sender::new(&settings, keys::signer(), Clock::system()).unwrap()).await);
        assert!(ears.0.iter().any(|ear| ear.accept().is_ok()), "{host}");
    }
}

/// A name that led outside when it was configured, and leads inside when it is called.
#[tokio::test]
async fn a_name_that_is_bound_again_is_not_followed_inside() {
    let (authority, (ears, port)) = (Authority::new(), Ears::open());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let policy = Policy::new(&[]).with_lookup(Arc::new(move |_| {
        let address = match counted.fetch_add(1, Ordering::SeqCst) {
            0 => "192.0.1.1:0",
            _ => "127.0.0.1:0",
        };
        Box::pin(async move { Ok(vec![address.parse::<SocketAddr>().unwrap()]) })
    }));
    let settings = towards(&authority, "rebinding.example", port);
    let sender = Sender::under(policy, &settings, keys::signer(), Clock::system()).unwrap();
    sender.check_name().await.unwrap();
    let refusal = refusal(attempt_by(sender).await);
    assert_eq!(refusal.reason, Reason::AddressRefused);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    ears.heard_nothing("rebinding.example");
}
