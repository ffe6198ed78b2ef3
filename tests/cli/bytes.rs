//! Capture files made here, byte by byte.

use crate::program::sample_bytes;

/// The header of a little-endian pcap file with microseconds.
pub(crate) fn pcap_header(link: u32) -> Vec<u8> {
    let words = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, link];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A packet whose header claims `claimed` captured bytes.
pub(crate) fn packet(claimed: u32, bytes: &[u8]) -> Vec<u8> {
    let words = [1_700_000_000_u32, 0, claimed, claimed];
    let header = words.iter().flat_map(|word| word.to_le_bytes());
    header.chain(bytes.iter().copied()).collect()
}

/// A pcap file with these packets.
pub(crate) fn pcap(link: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut file = pcap_header(link);
    for bytes in packets {
        file.extend(packet(u32::try_from(bytes.len()).unwrap(), bytes));
    }
    file
}

/// An Ethernet frame with a UDP datagram.
pub(crate) fn udp(port: u16) -> Vec<u8> {
    let ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00];
    let ip = [0x45, 0, 0, 29, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    let [high, low] = port.to_be_bytes();
    let udp = [0x9c, 0x40, high, low, 0, 9, 0, 0, b'x'];
    [ethernet.as_slice(), &ip, &udp].concat()
}

/// All but the last `n` bytes of a sample.
pub(crate) fn without_end(sample: &str, n: usize) -> Vec<u8> {
    let mut bytes = sample_bytes(sample);
    bytes.truncate(bytes.len() - n);
    bytes
}
