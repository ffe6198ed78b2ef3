//! BPF filters in libpcap's language.
//!
//! Takes the text of a filter, says of each frame whether it passes. One program is compiled for each link type, when
//! the first frame of that type comes.

use pcap::{BpfProgram, Capture, Linktype};

use super::filter_words::{self, Refusal};
use super::{CaptureError, Frame, LinkType};

/// A filter that was found good for at least one link type.
///
/// `len`, `less` and `greater` see the captured length of a frame: the library gives libpcap no other.
pub struct Filter {
    text: String,
    programs: Vec<(LinkType, BpfProgram)>,
}

impl Filter {
    /// Checks a filter.
    ///
    /// # Errors
    /// It names a host (libpcap would ask a name server), or libpcap cannot compile it for any common link type.
    pub fn compile(text: &str) -> Result<Self, CaptureError> {
        filter_words::check(text).map_err(|refusal| match refusal {
            Refusal::Host(host) => CaptureError::FilterHost { host },
            Refusal::DisplayFilter => {
                let suggestion = filter_words::translate(text);
                syntax(text, "syntax error", suggestion, true)
            }
            Refusal::Address(word) => {
                syntax(text, &format!("\"{word}\" is not an address"), None, false)
            }
        })?;
        let mut filter = Self { text: text.to_owned(), programs: Vec::new() };
        let mut first_cause = None;
        for &link in COMMON {
            match program(text, link) {
                Ok(program) => {
                    filter.programs.push((link, program));
                    return Ok(filter);
                }
                Err(cause) => {
                    first_cause.get_or_insert(cause);
                }
            }
        }
        Err(syntax(text, &first_cause.unwrap_or_default(), None, false))
    }

    /// The filter as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a frame passes.
    ///
    /// # Errors
    /// libpcap cannot compile the filter for the frame's link type.
    #[inline]
    pub fn matches(&mut self, frame: &Frame<'_>) -> Result<bool, CaptureError> {
        let (link, data) = layout_of(frame);
        // Nearly always there is one link type, and it is the first.
        match self.programs.iter().find(|(of, _)| *of == link) {
            Some((_, program)) => Ok(program.filter(data)),
            None => self.add(link).map(|program| program.filter(data)),
        }
    }

    #[cold]
    fn add(&mut self, link: LinkType) -> Result<&BpfProgram, CaptureError> {
        let compiled =
            program(&self.text, link).map_err(|cause| CaptureError::FilterLink { link, cause })?;
        Ok(&self.programs.push_mut((link, compiled)).1)
    }
}

/// Link types that a filter is tried with until one can answer it: some words mean something for a few of them only.
const COMMON: &[LinkType] =
    &[LinkType::ETHERNET, LinkType::LINUX_SLL, LinkType::LINUX_SLL2, LinkType::RAW, LinkType(105)];

fn syntax(
    text: &str,
    cause: &str,
    suggestion: Option<String>,
    display_filter: bool,
) -> CaptureError {
    let (filter, cause) = (text.to_owned(), cause.to_owned());
    CaptureError::FilterSyntax { filter, cause, suggestion, display_filter }
}

/// The link type whose program answers for the frame, and the bytes to give it.
///
/// Loopback frames are given as the IP packets they carry: the address family before them is in the byte order and of
/// the numbers of the machine that captured, and libpcap compiles for those of this machine.
#[inline]
fn layout_of<'a>(frame: &Frame<'a>) -> (LinkType, &'a [u8]) {
    match frame.link {
        LinkType::NULL | LinkType::LOOP => (LinkType::RAW, frame.data.get(4..).unwrap_or_default()),
        link => (link, frame.data),
    }
}

fn program(text: &str, link: LinkType) -> Result<BpfProgram, String> {
    let dead = Capture::dead(Linktype(dlt(link))).map_err(|e| message(&e))?;
    dead.compile(text, true).map_err(|e| message(&e))
}

/// libpcap's own number (DLT_) of a link type, where it is another.
fn dlt(link: LinkType) -> i32 {
    match link {
        LinkType::RAW
        | LinkType::DLT_RAW
        | LinkType::DLT_RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => 12,
        LinkType(100) => 11,
        LinkType(102) => 15,
        LinkType(103) => 16,
        LinkType(106) => 19,
        LinkType(other) => i32::from(other),
    }
}

fn message(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => {
            text.strip_prefix("can't parse filter expression: ").unwrap_or(text).to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    /// An Ethernet frame with an empty TCP segment from 10.0.0.1:40000 to 10.0.0.2:443.
    const SYN: [u8; 54] = [
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, // Ethernet
        0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
        0x9c, 0x40, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0, // TCP
    ];

    fn passes(text: &str, link: LinkType, data: &[u8]) -> bool {
        let frame = Frame { at: Moment::default(), link, data, wire_length: 54 };
        Filter::compile(text).unwrap().matches(&frame).unwrap()
    }

    #[test]
    fn one_filter_answers_for_every_link_type() {
        let ip = &SYN[14..];
        let sll = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0][..], ip].concat();
        let sll2 = [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], ip].concat();
        let frames = [
            (LinkType::ETHERNET, SYN.to_vec()),
            (LinkType::RAW, ip.to_vec()),
            (LinkType::DLT_RAW, ip.to_vec()),
            (LinkType::IPV4, ip.to_vec()),
            (LinkType::LINUX_SLL, sll),
            (LinkType::LINUX_SLL2, sll2),
            (LinkType::NULL, [&[2, 0, 0, 0][..], ip].concat()),
            (LinkType::NULL, [&[0, 0, 0, 2][..], ip].concat()),
            (LinkType::LOOP, [&[0, 0, 0, 2][..], ip].concat()),
        ];
        for (link, data) in frames {
            assert!(passes("tcp dst port 443 and host 10.0.0.1", link, &data), "{link}");
            assert!(!passes("udp or port 80", link, &data), "{link}");
        }
    }

    #[test]
    fn ipv6_passes_on_the_loopback_of_any_system() {
        let header = [&[0x60, 0, 0, 0, 0, 20, 6, 64][..], &[0; 32]].concat();
        for family in [10, 24, 28, 30] {
            for order in [[family, 0, 0, 0], [0, 0, 0, family]] {
                let data = [&order[..], &header, &SYN[34..]].concat();
                assert!(passes("ip6 and tcp port 443", LinkType::NULL, &data), "{order:?}");
            }
        }
    }

    #[test]
    fn what_libpcap_refuses_is_a_syntax_error_in_its_words() {
        let Err(error) = Filter::compile("tcp port") else { panic!("must be refused") };
        assert_eq!(error.code(), "filter-syntax");
        assert!(error.to_string().starts_with("libpcap cannot parse the filter: "), "{error}");
    }

    #[test]
    fn a_link_type_that_cannot_answer_is_named() {
        let mut filter = Filter::compile("tcp port 443").unwrap();
        let link = LinkType(9999);
        let frame = Frame { at: Moment::default(), link, data: &SYN, wire_length: 54 };
        let error = filter.matches(&frame).unwrap_err();
        assert_eq!(error.code(), "filter-linktype");
        assert!(error.to_string().contains("9999"), "{error}");
    }

    #[test]
    fn words_for_other_link_types_than_ethernet_are_no_syntax_error() {
        assert!(Filter::compile("ifindex 2 and tcp").is_ok());
        assert!(Filter::compile("type mgt subtype beacon").is_ok());
    }

    #[test]
    fn a_display_filter_is_recognised_and_translated() {
        let Err(error) = Filter::compile("tcp.port == 443") else { panic!("must be refused") };
        let diagnostic = error.diagnostic();
        assert_eq!(diagnostic.code, "filter-syntax");
        assert_eq!(diagnostic.helps, ["try: -f \"tcp port 443\""]);
    }

    #[test]
    fn a_host_name_never_reaches_libpcap() {
        let Err(error) = Filter::compile("host payments.prod.internal") else { panic!("refuse") };
        assert_eq!(error.code(), "filter-needs-dns");
        assert!(error.to_string().contains("payments.prod.internal"));
    }
}
