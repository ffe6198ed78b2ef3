//! Capture files made by hand.

/// Little- or big-endian bytes of what a test writes.
#[derive(Clone, Copy)]
pub(super) struct Order {
    pub(super) big: bool,
}

pub(super) const LITTLE: Order = Order { big: false };
pub(super) const BIG: Order = Order { big: true };

impl Order {
    pub(super) fn u16(self, value: u16) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    pub(super) fn u32(self, value: u32) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    pub(super) fn u64(self, value: u64) -> Vec<u8> {
        if self.big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() }
    }

    pub(super) fn pcap_header(self, magic: u32, snaplen: u32, link: u32) -> Vec<u8> {
        [
            self.u32(magic),
            self.u16(2),       // major version
            self.u16(4),       // minor version
            self.u32(0),       // time zone
            self.u32(0),       // accuracy
            self.u32(snaplen), // snapshot length
            self.u32(link),    // link type
        ]
        .concat()
    }

    pub(super) fn pcap_record(self, seconds: u32, fraction: u32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        [
            self.u32(seconds),
            self.u32(fraction),
            self.u32(length), // captured
            self.u32(length), // on the wire
            data.to_vec(),
        ]
        .concat()
    }

    pub(super) fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len().next_multiple_of(4) + 12).unwrap();
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        [self.u32(kind), self.u32(length), body.to_vec(), padding, self.u32(length)].concat()
    }

    pub(super) fn section(self) -> Vec<u8> {
        let body = [
            self.u32(0x1a2b_3c4d), // byte order
            self.u16(1),           // major version
            self.u16(0),           // minor version
            self.u64(u64::MAX),    // section length: unknown
        ];
        self.block(0x0a0d_0d0a, &body.concat())
    }

    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let body = [self.u16(link), self.u16(0), self.u32(snaplen), options.to_vec()];
        self.block(1, &body.concat())
    }

    pub(super) fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        let length = self.u16(u16::try_from(value.len()).unwrap());
        [self.u16(code), length, value.to_vec(), padding].concat()
    }

    pub(super) fn enhanced(
        self,
        interface: u32,
        ticks: u64,
        data: &[u8],
        options: &[u8],
    ) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let padding = vec![0; data.len().next_multiple_of(4) - data.len()];
        let body = [
            self.u32(interface),
            self.u32(u32::try_from(ticks >> 32).unwrap()),
            self.u32(u32::try_from(ticks & 0xffff_ffff).unwrap()),
            self.u32(length), // captured
            self.u32(length), // on the wire
            data.to_vec(),
            padding,
            options.to_vec(),
        ];
        self.block(6, &body.concat())
    }

    pub(super) fn obsolete(self, interface: u16, ticks: u64, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let body = [
            self.u16(interface),
            self.u16(0), // drops
            self.u32(u32::try_from(ticks >> 32).unwrap()),
            self.u32(u32::try_from(ticks & 0xffff_ffff).unwrap()),
            self.u32(length),
            self.u32(length),
            data.to_vec(),
        ];
        self.block(2, &body.concat())
    }

    pub(super) fn simple(self, wire: u32, data: &[u8]) -> Vec<u8> {
        self.block(3, &[self.u32(wire), data.to_vec()].concat())
    }

    pub(super) fn secrets(self, kind: u32, lines: &[u8]) -> Vec<u8> {
        let length = u32::try_from(lines.len()).unwrap();
        self.block(10, &[self.u32(kind), self.u32(length), lines.to_vec()].concat())
    }
}

/// Three packets in a little-endian file with microseconds.
pub(super) fn plain_pcap() -> Vec<u8> {
    [
        LITTLE.pcap_header(0xa1b2_c3d4, 262_144, 1),
        LITTLE.pcap_record(1, 10, b"first"),
        LITTLE.pcap_record(2, 20, b""),
        LITTLE.pcap_record(3, 30, b"the third packet"),
    ]
    .concat()
}

/// Three packets on two interfaces, with blocks between them that are no packets.
pub(super) fn plain_pcapng() -> Vec<u8> {
    [
        LITTLE.section(),
        LITTLE.interface(1, 262_144, &[]),
        LITTLE.enhanced(0, 1_000_010, b"first", &LITTLE.option(1, b"a comment")),
        LITTLE.block(0xbad, b"of no known kind"),
        LITTLE.interface(101, 64, &LITTLE.option(9, &[9])),
        LITTLE.enhanced(1, 2_000_020_000, b"", &[]),
        LITTLE.secrets(0x544c_534b, b"CLIENT_RANDOM 00 11"),
        LITTLE.enhanced(0, 3_000_030, b"the third packet", &[]),
    ]
    .concat()
}
