//! A range of addresses, as settings write it: `10.1.0.0/16`, `fd00::/8`.

use std::net::IpAddr;

/// A network: its base address and how many leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    base: IpAddr,
    length: u32,
}

impl Cidr {
    /// Reads `ADDRESS/LENGTH`; `None` where it is none, or where the address has bits beyond the length.
    pub fn parse(text: &str) -> Option<Self> {
        let (base, length) = text.split_once('/')?;
        let (base, length): (IpAddr, u32) = (base.parse().ok()?, length.parse().ok()?);
        let range = Self { base, length };
        let most = if base.is_ipv4() { 32 } else { 128 };
        (length <= most && rest(base, length) == 0).then_some(range)
    }

    /// Whether `address` is in it; an IPv4 address that is written as IPv6 counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.base.is_ipv4()
            && head(address, self.length) == head(self.base, self.length)
    }
}

/// The address as a number whose highest bit is the address's first.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn head(address: IpAddr, length: u32) -> u128 {
    bits(address).checked_shr(128 - length).unwrap_or(0)
}

fn rest(address: IpAddr, length: u32) -> u128 {
    bits(address).checked_shl(length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: &str, address: &str) -> bool {
        Cidr::parse(range)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_its_addresses_and_no_other() {
        assert!(holds("10.1.0.0/16", "10.1.255.255"));
        assert!(!holds("10.1.0.0/16", "10.2.0.0"));
        assert!(holds("10.1.2.3/32", "10.1.2.3"));
        assert!(!holds("10.1.2.3/32", "10.1.2.2"));
        assert!(holds("0.0.0.0/0", "203.0.113.1"));
        assert!(holds("fd00::/8", "fdff::1"));
        assert!(!holds("fd00::/8", "fe80::1"));
        assert!(holds("::1/128", "::1"));
        assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(!holds("0.0.0.0/0", "::1"));
    }

    #[test]
    fn what_is_no_range_does_not_read() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "::/129",
            "fd00::1/8",
            "a/8",
            "10.0.0.0/-1",
            "10.0/8",
        ] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }
}
