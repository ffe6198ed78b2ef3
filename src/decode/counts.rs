//! What frames carried, in numbers.

use super::path::Opened;
use super::tunnel::PORTS;
use super::{Decoded, Fault, Kind, TunnelKind};
use crate::capture::Frame;

/// Frames by what they carried.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    tcp: u64,
    udp: u64,
    icmp: u64,
    other_ip: u64,
    arp: u64,
    other_ethernet: u64,
    fragment: u64,
    unsupported_link: u64,
    malformed: [u64; FAULTS.len()],
    tunnels: [u64; TunnelKind::ALL.len()],
    closed: [u64; PORTS.len()],
    cut: u64,
}

const FAULTS: [(Fault, &str); 7] = [
    (Fault::Link, "link header"),
    (Fault::Depth, "too many headers"),
    (Fault::Ipv4, "IPv4 header"),
    (Fault::Ipv6, "IPv6 header"),
    (Fault::Extension, "extension header"),
    (Fault::Fragment, "fragment"),
    (Fault::Tcp, "TCP header"),
];

impl Counts {
    /// The kinds that were met and how often, sorted by name.
    #[must_use]
    pub fn kinds(&self) -> Vec<(&'static str, u64)> {
        let all = [
            ("arp", self.arp),
            ("fragment", self.fragment),
            ("icmp", self.icmp),
            ("malformed", self.malformed()),
            ("other-ethernet", self.other_ethernet),
            ("other-ip", self.other_ip),
            ("tcp", self.tcp),
            ("udp", self.udp),
            ("unsupported-link", self.unsupported_link),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// Malformed frames.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed.iter().sum()
    }

    /// What was wrong with malformed frames, and how often.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, u64)> {
        let named = FAULTS.iter().map(|(_, name)| *name).zip(self.malformed);
        named.filter(|(_, count)| *count > 0).collect()
    }

    /// Frames that held another packet or frame and what was read is that one, by kind of tunnel, sorted by name. One
    /// within several kinds counts for each.
    #[must_use]
    pub fn tunnels(&self) -> Vec<(&'static str, u64)> {
        let named = TunnelKind::ALL.iter().map(|kind| kind.name()).zip(self.tunnels);
        named.filter(|(_, count)| *count > 0).collect()
    }

    /// UDP datagrams to the ports of tunnels that could not be opened, by port: what may hide TCP from this audit.
    #[must_use]
    pub fn tunnel_ports(&self) -> Vec<(u16, u64)> {
        PORTS.into_iter().zip(self.closed).filter(|(_, count)| *count > 0).collect()
    }

    /// Frames of which the capture holds less than was on the wire.
    #[must_use]
    pub fn cut_frames(&self) -> u64 {
        self.cut
    }

    #[inline]
    pub(super) fn count_length(&mut self, frame: &Frame<'_>) {
        self.cut += u64::from(frame.wire_length as usize > frame.data.len());
    }

    #[inline]
    pub(super) fn count_segment(&mut self) {
        self.tcp += 1;
    }

    pub(super) fn count(&mut self, decoded: &Decoded<'_>, opened: Opened) {
        if opened.any() {
            let kinds = TunnelKind::ALL.iter().zip(&mut self.tunnels);
            kinds.for_each(|(kind, count)| *count += u64::from(opened.has(*kind)));
        }
        match decoded {
            Decoded::Segment(_) => self.count_segment(),
            Decoded::Datagram(datagram) => {
                self.count_other(Kind::Udp { port: datagram.to.port });
            }
            Decoded::Other(kind) => self.count_other(*kind),
        }
    }

    fn count_other(&mut self, kind: Kind) {
        match kind {
            Kind::Udp { port } => {
                self.udp += 1;
                let at = PORTS.iter().position(|one| *one == port);
                if let Some(count) = at.and_then(|at| self.closed.get_mut(at)) {
                    *count += 1;
                }
            }
            Kind::Icmp => self.icmp += 1,
            Kind::OtherIp(_) => self.other_ip += 1,
            Kind::Arp => self.arp += 1,
            Kind::OtherEthernet => self.other_ethernet += 1,
            Kind::Fragment => self.fragment += 1,
            Kind::UnsupportedLink => self.unsupported_link += 1,
            Kind::Malformed(fault) => {
                let at = FAULTS.iter().position(|(one, _)| *one == fault);
                if let Some(count) = at.and_then(|at| self.malformed.get_mut(at)) {
                    *count += 1;
                }
            }
        }
    }
}
