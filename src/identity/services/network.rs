//! Networks of addresses, and where a services file says that a service is.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use crate::model::{Endpoint, Timestamp};

/// A network in CIDR notation. IPv4 addresses within IPv6 are IPv4 addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Network {
    v6: bool,
    /// Bits of the prefix.
    pub(super) length: u8,
    bits: u128,
}

impl Network {
    /// Reads `10.0.0.0/8`.
    ///
    /// # Errors
    /// What is wrong with it, and what may have been meant.
    pub(super) fn parse(text: &str) -> Result<Self, (String, String)> {
        let expected =
            || (String::new(), "expected an address and a length, as 10.0.0.0/8".to_owned());
        let (addr, length) = text.split_once('/').ok_or_else(expected)?;
        let addr: IpAddr = addr.parse().map_err(|_| expected())?;
        let length: u8 = length.parse().map_err(|_| expected())?;
        if length > width(addr) {
            return Err((String::new(), format!("expected a length of at most {}", width(addr))));
        }
        let network = Self::of(addr, length);
        if network.bits != bits(addr) {
            return Err((" has bits set behind its length".to_owned(), format!("write {network}")));
        }
        Ok(network)
    }

    /// The network of this length that an address is in.
    pub(super) fn of(addr: IpAddr, length: u8) -> Self {
        let host = u32::from(width(addr).saturating_sub(length));
        let kept = bits(addr).checked_shr(host).unwrap_or(0).checked_shl(host).unwrap_or(0);
        Self { v6: addr.is_ipv6(), length, bits: kept }
    }

    pub(super) fn is_v6(self) -> bool {
        self.v6
    }
}

fn width(addr: IpAddr) -> u8 {
    if addr.is_ipv6() { 128 } else { 32 }
}

fn bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u128::from(u32::from(addr)),
        IpAddr::V6(addr) => u128::from(addr),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addr = if self.v6 {
            IpAddr::from(self.bits.to_be_bytes())
        } else {
            IpAddr::from(u32::try_from(self.bits).unwrap_or_default().to_be_bytes())
        };
        write!(f, "{addr}/{}", self.length)
    }
}

/// One place where an entry says that its service is.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The network; of an `addr` the one with that address alone.
    pub(super) network: Network,
    /// Written as `addr`, not as `cidr`.
    pub(super) exact: bool,
    /// Only these ports; all when empty. Sorted.
    pub(super) ports: Vec<u16>,
    /// Only in these virtual networks; in all when empty. Sorted.
    pub(super) networks: Vec<u32>,
    /// From this moment.
    pub(super) from: Option<Timestamp>,
    /// Until before this moment.
    pub(super) to: Option<Timestamp>,
    /// The entry.
    pub(super) entry: usize,
    /// Where it is written: the number of the file, and the bytes.
    pub(super) file: usize,
    pub(super) at: Range<usize>,
}

impl Claim {
    /// Whether it is about this endpoint at this time, which is in its network. A port of 0 is any: of a client, only the
    /// host is known.
    pub(super) fn holds(&self, at: Endpoint, time: Timestamp) -> bool {
        let port =
            at.port == 0 || self.ports.is_empty() || self.ports.binary_search(&at.port).is_ok();
        let network = self.networks.is_empty()
            || at
                .realm
                .network()
                .is_some_and(|number| self.networks.binary_search(&number).is_ok());
        port && network
            && self.from.is_none_or(|from| from <= time)
            && self.to.is_none_or(|to| time < to)
    }

    /// How specific it is beyond its network: what is limited more comes first.
    pub(super) fn specificity(&self) -> (bool, bool, bool) {
        let timed = self.from.is_some() || self.to.is_some();
        (!self.ports.is_empty(), !self.networks.is_empty(), timed)
    }

    /// Whether two claims, of the same network, can both hold and neither is more specific.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        let starts = self.from.max(other.from);
        let ends = [self.to, other.to].into_iter().flatten().min();
        let times = ends.is_none_or(|end| starts.is_none_or(|start| start < end));
        self.entry != other.entry
            && self.exact == other.exact
            && self.specificity() == other.specificity()
            && meet(&self.ports, &other.ports)
            && meet(&self.networks, &other.networks)
            && times
    }
}

/// Whether two sorted lists have a member in common, where an empty one has all.
fn meet<T: Ord>(one: &[T], other: &[T]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|x| other.binary_search(x).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_written_alike() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "10.0.0.1/32", "2001:db8::/32", "::1/128"] {
            assert_eq!(Network::parse(text).unwrap().to_string(), text);
        }
        for wrong in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/-1", "::/129", ""] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Network::parse("10.0.0.1/8").unwrap_err().1, "write 10.0.0.0/8");
    }

    #[test]
    fn an_address_is_in_its_network_and_in_no_other_family() {
        let network = Network::parse("0.0.0.0/0").unwrap();
        assert_eq!(Network::of("10.0.0.1".parse().unwrap(), 0), network);
        assert_ne!(Network::of("::1".parse().unwrap(), 0), network);
    }
}
