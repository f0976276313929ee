//! Which addresses may be called. A callback's URL is a setting, and still it must not become a way into our own network.
//!
//! A literal address is checked in the URL, in whatever spelling it stands there. A name is checked where the settings are
//! ([`Policy::check_name`]) and each time it is resolved, on the very addresses that the connection then uses, so that an
//! answer of the DNS that changes between check and use gains nothing.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::kernel::cidr::Cidr;

/// How long the settings wait for the addresses of a name.
const LOOKUP: Duration = Duration::from_secs(5);

/// An address inside a network, for a host that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host has no address outside of the internal networks")]
pub struct AddressRefused;

/// How a name becomes addresses.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// What a project's settings allow: hosts by name, whatever their address, and ranges of addresses.
#[derive(Clone)]
pub struct Policy {
    hosts: Arc<BTreeSet<String>>,
    ranges: Arc<[Cidr]>,
    lookup: Lookup,
}

impl Policy {
    /// Allows these: names or literal addresses as they stand in the URL, and ranges (`10.1.0.0/16`).
    pub fn new(allowed: &[String]) -> Self {
        let ranges = allowed.iter().filter_map(|entry| Cidr::parse(entry));
        Self {
            ranges: ranges.collect(),
            hosts: Arc::new(allowed.iter().map(|host| normal(host)).collect()),
            lookup: Arc::new(|host| Box::pin(resolved(host))),
        }
    }

    /// The same with another way to resolve names.
    #[cfg(test)]
    pub(super) fn with_lookup(self, lookup: Lookup) -> Self {
        Self { lookup, ..self }
    }

    /// Checks the URL's host where it is a literal address; a name waits for its resolution.
    pub fn check_host(&self, host: &str) -> Result<(), AddressRefused> {
        match normal(host).parse::<IpAddr>() {
            Ok(address) if !self.permits(host, address) => Err(AddressRefused),
            _ => Ok(()),
        }
    }

    /// Resolves a name now and checks its addresses. One that has none now is not judged: the connection will be.
    pub async fn check_name(&self, host: &str) -> Result<(), AddressRefused> {
        let found = tokio::time::timeout(LOOKUP, (self.lookup)(host.to_owned())).await;
        match found {
            Ok(Ok(found)) if !found.is_empty() => self.keep(host, found).map(drop),
            _ => Ok(()),
        }
    }

    fn permits(&self, host: &str, address: IpAddr) -> bool {
        self.hosts.contains(&normal(host))
            || is_public(address)
            || self.ranges.iter().any(|range| range.contains(address))
    }

    fn keep(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, AddressRefused> {
        let permitted = found.into_iter().filter(|to| self.permits(host, to.ip()));
        let permitted: Vec<_> = permitted.collect();
        match permitted.is_empty() {
            true => Err(AddressRefused),
            false => Ok(permitted),
        }
    }
}

async fn resolved(host: String) -> io::Result<Vec<SocketAddr>> {
    match tokio::net::lookup_host((&*host, 0)).await {
        Ok(found) => Ok(found.collect()),
        Err(_) if is_local(&host) => Ok(LOOPBACK.to_vec()),
        Err(error) => Err(error),
    }
}

/// This machine, for the names that mean it whether or not anybody resolves them (RFC 6761, 6.3).
const LOOPBACK: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

fn is_local(host: &str) -> bool {
    let host = normal(host);
    host == "localhost" || host.ends_with(".localhost")
}

impl Resolve for Policy {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.clone();
        Box::pin(async move {
            let found = (policy.lookup)(name.as_str().to_owned()).await?;
            let kept = policy.keep(name.as_str(), found)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

fn normal(host: &str) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches([']', '.']);
    bare.to_ascii_lowercase()
}

/// Whether an address is on the public internet: neither private, local, shared, reserved nor documentary (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Base and prefix length of every IPv4 block that is not public.
const INTERNAL_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    let within = |(base, length): &([u8; 4], u32)| {
        let base = u32::from_be_bytes(*base);
        (bits ^ base) >> (32 - length) == 0
    };
    !INTERNAL_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    match (a, b, c) {
        // The well-known NAT64 prefix carries an IPv4 address in its last 32 bits.
        (0x64, 0xff9b, 0) => is_public_v4(Ipv4Addr::from_bits(address.to_bits() as u32)),
        // Teredo and protocol blocks, documentation, 6to4: none is a place where a partner listens.
        (0x2001, 0..=0x01ff, _) | (0x2001, 0x0db8, _) | (0x2002, ..) => false,
        (0x3fff, 0..=0x0fff, _) => false,
        // Global unicast; all else (loopback, mapped IPv4, unique local, link-local, multicast…) is not.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_a_network_are_not_public_in_any_disguise() {
        let internal = "0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.255 \
            192.0.0.8 192.168.1.1 198.19.0.1 203.0.113.9 224.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::127.0.0.1 \
            fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 64:ff9b::10.0.0.1 64:ff9b:1::1 2001:db8::1 2001::1 2002:7f00:1::";
        for text in internal.split_whitespace() {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        let public = "1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 \
            198.17.0.1 198.20.0.1 223.255.255.255 2606:4700::1 2001:41d0::1 2a01:e0a::1 64:ff9b::1.1.1.1";
        for text in public.split_whitespace() {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_literal_address_needs_its_own_name_in_the_settings() {
        let policy = Policy::new(&["10.0.0.1".into(), "Partner.Internal".into()]);
        assert_eq!(policy.check_host("10.0.0.1"), Ok(()));
        assert_eq!(policy.check_host("partner.internal"), Ok(()));
        for host in ["10.0.0.2", "127.0.0.1", "[::1]"] {
            assert_eq!(policy.check_host(host), Err(AddressRefused), "{host}");
        }
    }

    #[test]
    fn a_range_of_the_settings_allows_its_addresses_and_no_other() {
        let policy = Policy::new(&["10.1.0.0/16".into(), "fd00:1::/32".into()]);
        for host in ["10.1.2.3", "[fd00:1::5]", "[::ffff:10.1.2.3]"] {
            assert_eq!(policy.check_host(host), Ok(()), "{host}");
        }
        for host in ["10.2.0.1", "127.0.0.1", "[fd00:2::5]"] {
            assert_eq!(policy.check_host(host), Err(AddressRefused), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_now_is_refused_with_the_settings() {
        assert_eq!(
            Policy::new(&[]).check_name("localhost").await,
            Err(AddressRefused)
        );
        assert_eq!(
            Policy::new(&["127.0.0.0/8".into(), "::1/128".into()])
                .check_name("localhost")
                .await,
            Ok(())
        );
        assert_eq!(
            Policy::new(&[]).check_name("no-such-name.invalid").await,
            Ok(())
        );
    }

    #[tokio::test]
    async fn a_name_that_resolves_inside_is_refused_unless_it_is_allowed() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Policy::new(&[]).resolve(name()).await.is_err());
        let allowed = Policy::new(&["LOCALHOST.".into()]);
        assert!(allowed.resolve(name()).await.is_ok());
    }

    #[test]
    fn of_a_mixed_answer_only_the_public_addresses_are_used() {
        let found = ["10.0.0.1:0", "1.1.1.1:0"].map(|text| text.parse().unwrap());
        let kept = Policy::new(&[]).keep("partner.example", found.to_vec());
        assert_eq!(kept, Ok(vec![found[1]]));
    }
}
