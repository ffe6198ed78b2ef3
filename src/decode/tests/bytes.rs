//! Headers made by hand.

pub(super) const CLIENT: [u8; 4] = [10, 0, 0, 1];
pub(super) const SERVER: [u8; 4] = [10, 0, 0, 2];

pub(super) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [
        &[2, 0, 0, 0, 0, 2][..], // destination
        &[2, 0, 0, 0, 0, 1],     // source
        &ether_type.to_be_bytes(),
        payload,
    ]
    .concat()
}

pub(super) fn tag(id: u16, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], &ether_type.to_be_bytes(), payload].concat()
}

/// An IPv4 packet; `offset` in units of eight bytes.
pub(super) struct Ipv4 {
    pub(super) protocol: u8,
    pub(super) identification: u16,
    pub(super) more: bool,
    pub(super) offset: u16,
    pub(super) options: Vec<u8>,
}

pub(super) const IPV4_TCP: Ipv4 =
    Ipv4 { protocol: 6, identification: 1, more: false, offset: 0, options: Vec::new() };

impl Ipv4 {
    pub(super) fn with(&self, payload: &[u8]) -> Vec<u8> {
        let header = 20 + self.options.len();
        let total = u16::try_from(header + payload.len()).unwrap_or(0);
        let flags = (u16::from(self.more) << 13) | self.offset;
        [
            &[0x40 | u8::try_from(header / 4).unwrap(), 0][..], // version, length; service
            &total.to_be_bytes(),
            &self.identification.to_be_bytes(),
            &flags.to_be_bytes(),
            &[64, self.protocol, 0, 0], // time to live, protocol, checksum
            &CLIENT,
            &SERVER,
            &self.options,
            payload,
        ]
        .concat()
    }
}

pub(super) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    [
        &[0x60, 0, 0, 0][..], // version, class, flow label
        &u16::try_from(payload.len()).unwrap_or(0).to_be_bytes(),
        &[next, 64], // next header, hop limit
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], // source
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], // destination
        payload,
    ]
    .concat()
}

pub(super) fn ipv6_fragment(next: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let offset_and_more = (offset << 3) | u16::from(more);
    [
        &[next, 0][..], // next header, reserved
        &offset_and_more.to_be_bytes(),
        &[0, 0, 0, 7], // identification
        payload,
    ]
    .concat()
}

pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    tcp_with_options(&[], payload)
}

pub(super) fn tcp_with_options(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).unwrap();
    [
        &40_000_u16.to_be_bytes()[..],  // source port
        &443_u16.to_be_bytes(),         // destination port
        &0x0102_0304_u32.to_be_bytes(), // sequence number
        &0x0506_0708_u32.to_be_bytes(), // acknowledgement number
        &[words << 4, 0x18],            // length, PSH and ACK
        &[0xff, 0xff, 0, 0, 0, 0],      // window, checksum, urgent pointer
        options,
        payload,
    ]
    .concat()
}

pub(super) fn udp(port: u16) -> Vec<u8> {
    udp_with(port, &[])
}

pub(super) fn udp_with(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(0);
    [&9_u16.to_be_bytes()[..], &port.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload]
        .concat()
}
