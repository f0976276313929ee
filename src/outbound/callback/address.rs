//! Which addresses may be called. A callback's URL is a setting, and still it must not become a way into our own network.
//!
//! A literal address is checked in the URL. A name is checked each time it is resolved, on the very addresses that the
//! connection then uses, so that an answer of the DNS that changes between check and use gains nothing.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address inside a network, for a host that is not allowed by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host has no address outside of the internal networks")]
pub struct AddressRefused;

/// The hosts that a project's settings allow by name, whatever their address.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allowed: Arc<BTreeSet<String>>,
}

impl Policy {
    /// Allows these hosts: names or literal addresses, as they stand in the URL.
    pub fn new(hosts: &[String]) -> Self {
        let allowed = hosts.iter().map(|host| normal(host)).collect();
        Self {
            allowed: Arc::new(allowed),
        }
    }

    /// Checks the URL's host where it is a literal address; a name waits for its resolution.
    pub fn check_host(&self, host: &str) -> Result<(), AddressRefused> {
        let literal = normal(host).parse::<IpAddr>();
        match literal {
            Ok(address) if !self.allows(host) && !is_public(address) => Err(AddressRefused),
            _ => Ok(()),
        }
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed.contains(&normal(host))
    }

    fn keep(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, AddressRefused> {
        if self.allows(host) {
            return Ok(found);
        }
        let public = found.into_iter().filter(|to| is_public(to.ip()));
        let public: Vec<_> = public.collect();
        if public.is_empty() {
            return Err(AddressRefused);
        }
        Ok(public)
    }
}

impl Resolve for Policy {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept = policy.keep(name.as_str(), found.collect())?;
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

    #[tokio::test]
    async fn a_name_that_resolves_inside_is_refused_unless_it_is_allowed() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Policy::default().resolve(name()).await.is_err());
        let allowed = Policy::new(&["LOCALHOST.".into()]);
        assert!(allowed.resolve(name()).await.is_ok());
    }

    #[test]
    fn of_a_mixed_answer_only_the_public_addresses_are_used() {
        let found = ["10.0.0.1:0", "1.1.1.1:0"].map(|text| text.parse().unwrap());
        let kept = Policy::default().keep("partner.example", found.to_vec());
        assert_eq!(kept, Ok(vec![found[1]]));
    }
}
