//! The words of a BPF filter, looked at before libpcap sees them.
//!
//! libpcap asks the system's resolver for every name that stands where an address may stand. A passive tool must not,
//! so a name is let through only where libpcap looks it up elsewhere: behind `port`, `portrange` and `proto` (the
//! services and protocols databases), and behind words that take a word of their own. What a bare name means is
//! inherited from the qualifiers before it, as in `tcp port http or https`, and a parenthesis restores what was in
//! force before it.

use std::net::Ipv6Addr;

/// Why a filter is not given to libpcap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// It contains a name that would be resolved.
    Host(String),
    /// It contains fields of Wireshark's language.
    DisplayFilter,
    /// A word with colons is no address.
    Address(String),
}

/// Refuses a filter that could make libpcap ask a name server, or that is no BPF filter.
pub(super) fn check(text: &str) -> Result<(), Refusal> {
    let words = words(text);
    let mut names = Names::Resolved;
    let mut outer: Vec<Names> = Vec::new();
    let mut previous = "";
    for word in &words {
        match *word {
            "(" => outer.push(names),
            ")" => names = outer.pop().unwrap_or(Names::Resolved),
            _ if !word.starts_with(is_word) || is_number(word) || JOINS.contains(word) => {}
            _ if KEYWORDS.contains(word) => names = Names::after(word),
            _ if is_display_field(word) && !TAKES_HOST.contains(&previous) => {
                return Err(Refusal::DisplayFilter);
            }
            _ if word.contains(':') => is_colon_address(word)?,
            _ if is_hardware_address(word) || is_message_type(word) => {}
            _ if names == Names::Resolved => {
                return Err(Refusal::Host(word.trim_start_matches('\\').to_owned()));
            }
            _ => {}
        }
        previous = word;
    }
    Ok(())
}

/// What libpcap does with a name at some place of a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// It asks the resolver.
    Resolved,
    /// It looks into a table, or takes the name as it is.
    Known,
}

impl Names {
    fn after(keyword: &str) -> Self {
        if TAKES_WORD.contains(&keyword) { Self::Known } else { Self::Resolved }
    }
}

/// A display filter's fields said in BPF, for the comparisons that people type most.
pub(super) fn translate(text: &str) -> Option<String> {
    let words = words(text);
    let mut out: Vec<String> = Vec::new();
    let mut rest = words.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = match (*first, after) {
            ("and" | "&&", _) => join(&mut out, "and", after),
            ("or" | "||", _) => join(&mut out, "or", after),
            ("not" | "!", _) => join(&mut out, "not", after),
            ("(" | ")", _) => join(&mut out, first, after),
            (field, ["==" | "eq", value, after @ ..]) => {
                let (_, bpf) = FIELDS.iter().find(|(name, _)| *name == field)?;
                out.push(format!("{bpf} {value}"));
                after
            }
            (protocol @ ("tcp" | "udp" | "arp" | "icmp" | "ip"), _) => {
                join(&mut out, protocol, after)
            }
            _ => return None,
        };
    }
    Some(out.join(" "))
}

fn join<'a, 'b>(out: &mut Vec<String>, word: &str, after: &'a [&'b str]) -> &'a [&'b str] {
    out.push(word.to_owned());
    after
}

/// Splits as libpcap's scanner does, as far as names are concerned: a colon separates numbers within brackets and is
/// part of an address outside.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    let mut brackets = 0_usize;
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            let within = |c: char| is_word(c) && !(brackets > 0 && c == ':');
            rest.find(|c| !within(c)).unwrap_or(rest.len()).max(1)
        } else if let Some(operator) = OPERATORS.iter().find(|op| rest.starts_with(**op)) {
            operator.len()
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        match word {
            "[" => brackets += 1,
            "]" => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '\\' | '-' | '$') || !c.is_ascii()
}

/// A number, or an IPv4 address or network of up to four of them.
fn is_number(word: &str) -> bool {
    let part = |part: &str| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
    };
    word == ":" || word == "-" || (word.split('.').count() <= 4 && word.split('.').all(part))
}

fn is_colon_address(word: &str) -> Result<(), Refusal> {
    let hardware = word.split(':').count() == 6 && word.split(':').all(|part| is_hex(part, 1..=2));
    if hardware || word.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    Err(Refusal::Address(word.to_owned()))
}

/// A hardware address in one of the forms without colons that no host name has by accident.
fn is_hardware_address(word: &str) -> bool {
    let dashes = word.split('-').count() == 6 && word.split('-').all(|part| is_hex(part, 2..=2));
    let dots = word.split('.').count() == 3 && word.split('.').all(|part| is_hex(part, 4..=4));
    dashes || dots
}

fn is_hex(part: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_display_field(word: &str) -> bool {
    word.split_once('.').is_some_and(|(protocol, _)| DISPLAY_PROTOCOLS.contains(&protocol))
}

const OPERATORS: &[&str] = &["&&", "||", "==", "!=", ">=", "<=", "<<", ">>"];

const JOINS: &[&str] = &["and", "or", "not"];

/// Behind these a name with dots is a host, even if it begins like a protocol.
const TAKES_HOST: &[&str] = &["host", "src", "dst", "net", "gateway", "mask"];

/// Protocols of Wireshark's language whose fields people type.
const DISPLAY_PROTOCOLS: &[&str] = &[
    "tcp", "udp", "ip", "ipv6", "eth", "frame", "tls", "ssl", "http", "http2", "grpc", "dns",
    "icmp", "icmpv6", "arp", "vlan", "sctp", "quic", "x509sat", "_ws",
];

const FIELDS: &[(&str, &str)] = &[
    ("tcp.port", "tcp port"),
    ("tcp.srcport", "tcp src port"),
    ("tcp.dstport", "tcp dst port"),
    ("udp.port", "udp port"),
    ("udp.srcport", "udp src port"),
    ("udp.dstport", "udp dst port"),
    ("ip.addr", "host"),
    ("ip.host", "host"),
    ("ip.src", "src host"),
    ("ip.dst", "dst host"),
    ("ip.proto", "ip proto"),
    ("ipv6.addr", "host"),
    ("ipv6.src", "src host"),
    ("ipv6.dst", "dst host"),
    ("eth.addr", "ether host"),
    ("eth.src", "ether src"),
    ("eth.dst", "ether dst"),
    ("vlan.id", "vlan"),
];

/// Keywords behind which a name is not resolved as a host.
const TAKES_WORD: &[&str] = &[
    "port",
    "portrange",
    "proto",
    "protochain",
    "type",
    "subtype",
    "dir",
    "direction",
    "on",
    "ifname",
    "rset",
    "ruleset",
    "reason",
    "action",
    "llc",
    "icmptype",
];

/// The words of pcap-filter(7).
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "dst", "src", "link", "ether", "ppp", "slip", "fddi", "tr", "wlan", "arp", "rarp", "ip", "sctp", "tcp", "udp",
    "icmp", "igmp", "igrp", "pim", "vrrp", "carp", "radio", "ip6", "icmp6", "ah", "esp", "atalk", "aarp", "decnet",
    "lat", "sca", "moprc", "mopdl", "iso", "esis", "es-is", "isis", "is-is", "l1", "l2", "iih", "lsp", "snp", "csnp",
    "psnp", "clnp", "stp", "ipx", "netbeui", "host", "net", "mask", "port", "portrange", "proto", "protochain",
    "gateway", "type", "subtype", "direction", "dir", "address1", "addr1", "address2", "addr2", "address3", "addr3",
    "address4", "addr4", "ra", "ta", "less", "greater", "byte", "broadcast", "multicast", "len", "length", "inbound",
    "outbound", "ifindex", "vlan", "mpls", "pppoed", "pppoes", "geneve", "lane", "llc", "metac", "bcc", "oam",
    "oamf4", "oamf4ec", "oamf4sc", "ilmic", "sc", "vpi", "vci", "connectmsg", "metaconnect", "on", "ifname", "rset",
    "ruleset", "rnr", "rulenum", "srnr", "subrulenum", "reason", "action", "fisu", "lssu", "lsu", "msu", "hfisu",
    "hlssu", "hmsu", "sio", "opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls",
    "tcpflags", "tcp-fin", "tcp-syn", "tcp-rst", "tcp-push", "tcp-ack", "tcp-urg", "tcp-ece", "tcp-cwr",
    "icmptype", "icmpcode", "icmp6type", "icmp6code",
];

/// Names of message types, which libpcap reads as numbers: with `icmp-` before them, and with `icmp6-`.
#[rustfmt::skip]
const ICMP: &[&str] = &[
    "echoreply", "unreach", "sourcequench", "redirect", "echo", "routeradvert", "routersolicit", "timxceed",
    "paramprob", "tstamp", "tstampreply", "ireq", "ireqreply", "maskreq", "maskreply",
];
#[rustfmt::skip]
const ICMP6: &[&str] = &[
    "destinationunreach", "packettoobig", "timeexceeded", "parameterproblem", "echo", "echoreply",
    "multicastlistenerquery", "multicastlistenerreportv1", "multicastlistenerdone", "routersolicit", "routeradvert",
    "neighborsolicit", "neighboradvert", "redirect", "routerrenum", "nodeinformationquery",
    "nodeinformationresponse", "ineighbordiscoverysolicit", "ineighbordiscoveryadvert", "multicastlistenerreportv2",
    "homeagentdiscoveryrequest", "homeagentdiscoveryreply", "mobileprefixsolicit", "mobileprefixadvert",
    "certpathsolicit", "certpathadvert", "multicastrouteradvert", "multicastroutersolicit", "multicastrouterterm",
];

fn is_message_type(word: &str) -> bool {
    word.strip_prefix("icmp-").is_some_and(|name| ICMP.contains(&name))
        || word.strip_prefix("icmp6-").is_some_and(|name| ICMP6.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_without_names_go_through() {
        for filter in [
            "",
            "tcp",
            "port http",
            "tcp dst port http or https or ftp-data",
            "portrange ftp-http",
            "portrange 80-90",
            "proto tcp",
            "ip proto \\tcp",
            "ether proto \\ip6",
            "ether host aa:bb:cc:dd:ee:ff",
            "ether src 0:1:2:3:4:5 or ether dst aa-bb-cc-dd-ee-ff",
            "net 10.0.0.0/8",
            "net 10",
            "net 172.16 mask 255.240.0.0",
            "ip6 host ::1",
            "net 2001:db8::/32",
            "host fe80::1 and not src 192.168.1.1",
            "vlan 5",
            "vlan and (tcp port 443 or mpls 100)",
            "tcp[13] & 2 != 0",
            "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
            "ip[2:2] - ((ip[0]&0xf)<<2) > 0",
            "icmp[icmptype] != icmp-echo && icmp6[icmp6type] = icmp6-neighborsolicit",
            "len > 100",
            "greater 100 and less 0x200",
            "mpls",
            "ether broadcast or ip multicast",
            "type mgt subtype beacon",
            "port (http or https)",
            "port 80 and (host 10.0.0.1) and 443",
        ] {
            assert_eq!(check(filter), Ok(()), "{filter}");
        }
    }

    #[test]
    fn whatever_libpcap_would_resolve_is_refused() {
        for (filter, host) in [
            ("host payments.prod.internal", "payments.prod.internal"),
            ("src localhost", "localhost"),
            ("localhost", "localhost"),
            ("tcp and example", "example"),
            ("port 80 and host web", "web"),
            ("port 80 and tcp and web", "web"),
            ("host 10.0.0.1 or db-1", "db-1"),
            ("host 10.0.0.1 and (port 80) or web", "web"),
            ("(port 80) or web", "web"),
            ("net office", "office"),
            ("gateway router", "router"),
            ("ether host printer", "printer"),
            ("host \\tcp.example", "tcp.example"),
            ("host tcp.example.com", "tcp.example.com"),
            ("host 1.2.3.4.5", "1.2.3.4.5"),
            ("host 10.0.0.1a", "10.0.0.1a"),
            ("host HOST", "HOST"),
            ("len-14 > 3", "len-14"),
            ("src\thost\n web", "web"),
            ("host b\u{fc}cher", "b\u{fc}cher"),
            ("icmp-web", "icmp-web"),
            ("host beefbeefbeef", "beefbeefbeef"),
        ] {
            assert_eq!(check(filter), Err(Refusal::Host(host.to_owned())), "{filter}");
        }
    }

    #[test]
    fn colons_that_make_no_address_are_refused() {
        assert_eq!(check("host web:80"), Err(Refusal::Address("web:80".to_owned())));
        assert_eq!(check("ether host a:b"), Err(Refusal::Address("a:b".to_owned())));
    }

    #[test]
    fn display_filters_are_told_from_bpf_and_translated_when_simple() {
        for (filter, expected) in [
            ("tcp.port == 443", Some("tcp port 443")),
            ("ip.addr == 10.0.0.1 && tcp.dstport eq 80", Some("host 10.0.0.1 and tcp dst port 80")),
            ("!(udp.port==53)", Some("not ( udp port 53 )")),
            ("tls.handshake.type == 1", None),
            ("http.host contains \"web\"", None),
        ] {
            assert_eq!(check(filter), Err(Refusal::DisplayFilter), "{filter}");
            assert_eq!(translate(filter).as_deref(), expected, "{filter}");
        }
    }

    #[test]
    fn every_keyword_stands_once() {
        for (i, word) in KEYWORDS.iter().enumerate() {
            assert!(!KEYWORDS.iter().skip(i + 1).any(|other| other == word), "{word}");
        }
        assert!(TAKES_WORD.iter().all(|word| KEYWORDS.contains(word)));
    }
}
