//! Interfaces: which there are, and how one is opened.

use std::time::Duration;

use pcap::{Active, Capture, Device, Linktype, Precision};

use crate::capture::{CaptureError, Filter, LinkType};
use crate::model::{Diagnostic, escape_text};

/// How long the kernel gathers frames before it hands them over: what bounds latency on a quiet wire.
pub(super) const GATHER: Duration = Duration::from_millis(100);

/// How interfaces are opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveOptions {
    /// The BPF filter, applied by the kernel.
    pub filter: Option<String>,
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// Bytes of the kernel's buffer for each interface.
    pub buffer: u32,
    /// Whether frames for others are wanted, as a mirror port sends them.
    pub promiscuous: bool,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { filter: None, snaplen: 262_144, buffer: 16 << 20, promiscuous: true }
    }
}

/// An interface as the system describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceInfo {
    /// Its name.
    pub name: String,
    /// More about it, if the system says more.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether it is up.
    pub is_up: bool,
    /// Whether it has a carrier.
    pub is_running: bool,
}

/// Why an interface cannot be captured on.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There is none with this name.
    #[error("there is no interface \"{}\"", escape_text(name))]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are, in words.
        known: Vec<String>,
        /// One that is spelled much like it.
        nearest: Option<String>,
    },
    /// The system does not let this process capture.
    #[error("no permission to capture on {}", escape_text(name))]
    Permission {
        /// The interface.
        name: String,
    },
    /// It is not up.
    #[error("{} is down", escape_text(name))]
    Down {
        /// The interface.
        name: String,
    },
    /// libpcap says something else.
    #[error("cannot capture on {}: {}", escape_text(name), escape_text(why))]
    Other {
        /// The interface.
        name: String,
        /// What libpcap says.
        why: String,
    },
    /// The filter is no good.
    #[error(transparent)]
    Filter(#[from] CaptureError),
}

impl DeviceError {
    /// As a message with what is known and what to do.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let error = |code| Diagnostic::error(code, self.to_string());
        match self {
            Self::Unknown { known, nearest, .. } => {
                let error = error("interface-unknown");
                let error = match known.len() {
                    0 => error.note("no interface can be seen from here"),
                    _ => error.note(format!("interfaces: {}", known.join(", "))),
                };
                match nearest {
                    Some(nearest) => error.help(format!("did you mean {}?", escape_text(nearest))),
                    None => error.help("wirelint watch -D lists them"),
                }
            }
            Self::Permission { name } => permission(error("capture-permission"), name),
            Self::Down { name } => {
                error("interface-down").help(format!("ip link set {} up", escape_text(name)))
            }
            Self::Other { .. } => error("capture-device"),
            Self::Filter(error) => error.diagnostic(),
        }
    }

    /// The exit code of a program that ends because of it: 2 for a filter, 5 for the device.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Filter(_)) { 2 } else { 5 }
    }
}

fn permission(error: Diagnostic, name: &str) -> Diagnostic {
    let name = escape_text(name);
    error
        .note("needs CAP_NET_RAW, which this process does not have")
        .help("once, and wirelint drops it after opening: sudo setcap cap_net_raw=ep $(command -v wirelint)")
        .help(format!("or root only until the device is open: sudo wirelint watch -i {name} --user $USER"))
        .note("in Kubernetes added capabilities do not reach a user other than root: start as root, wirelint changes user itself")
        .note("capture files need no privileges: wirelint check file.pcapng")
}

/// An interface that is open and not read yet.
pub struct OpenInterface {
    pub(super) name: String,
    /// The system's number for it: another one when it is made anew.
    pub(super) index: Option<u32>,
    pub(super) capture: Capture<Active>,
    pub(super) nanoseconds: bool,
    pub(super) link: LinkType,
    pub(super) options: LiveOptions,
}

impl OpenInterface {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The link type of its frames.
    #[must_use]
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Whether its stamps are finer than a microsecond.
    #[must_use]
    pub fn has_nanoseconds(&self) -> bool {
        self.nanoseconds
    }
}

/// The interfaces that there are.
///
/// # Errors
/// libpcap cannot list them.
pub fn interfaces() -> Result<Vec<InterfaceInfo>, DeviceError> {
    let listed = Device::list()
        .map_err(|error| DeviceError::Other { name: "any".to_owned(), why: said(&error) })?;
    let info = |device: Device| InterfaceInfo {
        is_up: device.flags.is_up(),
        is_running: device.flags.is_running(),
        addresses: device.addresses.iter().map(|address| address.addr).collect(),
        description: device.desc,
        name: device.name,
    };
    // libpcap lists buses and log groups too; these carry no network.
    let network = |one: &InterfaceInfo| {
        !["bluetooth", "usbmon", "nflog", "nfqueue", "dbus"].iter().any(|x| one.name.starts_with(x))
    };
    Ok(listed.into_iter().map(info).filter(network).collect())
}

/// Opens an interface.
///
/// # Errors
/// It is not there, is down, must not be captured on, or the filter is no good.
pub fn open(name: &str, options: &LiveOptions) -> Result<OpenInterface, DeviceError> {
    if let Some(filter) = &options.filter {
        Filter::compile(filter)?;
    }
    let known = interfaces().unwrap_or_default();
    if !known.is_empty() && !known.iter().any(|one| one.name == name) {
        return Err(unknown(name, &known));
    }
    let (capture, nanoseconds) = match activate(name, options, Precision::Nano) {
        Ok(capture) => (capture, true),
        Err(_) => {
            let opened = activate(name, options, Precision::Micro);
            (opened.map_err(|error| refusal(name, &error, &known))?, false)
        }
    };
    finish(name, options, capture, nanoseconds)
}

fn finish(
    name: &str,
    options: &LiveOptions,
    mut capture: Capture<Active>,
    nanoseconds: bool,
) -> Result<OpenInterface, DeviceError> {
    let other =
        |error: &pcap::Error| DeviceError::Other { name: name.to_owned(), why: said(error) };
    // Of the two cooked layouts the later one says which interface a frame came by.
    let cooked = Linktype(i32::from(LinkType::LINUX_SLL2.0));
    if name == "any" && capture.list_datalinks().is_ok_and(|all| all.contains(&cooked)) {
        capture.set_datalink(cooked).map_err(|error| other(&error))?;
    }
    if let Some(filter) = &options.filter {
        capture.filter(filter, true).map_err(|error| other(&error))?;
    }
    let link = link_of(&capture);
    let options = options.clone();
    let index = index_of(name);
    Ok(OpenInterface { name: name.to_owned(), index, capture, nanoseconds, link, options })
}

/// The system's number for an interface, where there is one.
pub(super) fn index_of(name: &str) -> Option<u32> {
    if name.contains('/') {
        return None;
    }
    std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?.trim().parse().ok()
}

/// libpcap's numbers are those of capture files for everything that networks have today.
fn link_of(capture: &Capture<Active>) -> LinkType {
    LinkType(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX))
}

fn activate(
    name: &str,
    options: &LiveOptions,
    precision: Precision,
) -> Result<Capture<Active>, pcap::Error> {
    let bytes = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Capture::from_device(name)?
        .promisc(options.promiscuous)
        .snaplen(bytes(options.snaplen))
        .buffer_size(bytes(options.buffer))
        .timeout(i32::try_from(GATHER.as_millis()).unwrap_or(100))
        // Frames are handed over by the block, not one by one: under load that is what keeps up.
        .immediate_mode(false)
        .precision(precision)
        .open()
}

fn refusal(name: &str, error: &pcap::Error, known: &[InterfaceInfo]) -> DeviceError {
    let why = said(error);
    let text = why.to_lowercase();
    let name = name.to_owned();
    if text.contains("permission") || text.contains("not permitted") {
        DeviceError::Permission { name }
    } else if text.contains("no such device") {
        unknown(&name, known)
    } else if text.contains("not up") || text.contains("is down") {
        DeviceError::Down { name }
    } else {
        DeviceError::Other { name, why }
    }
}

pub(super) fn said(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

fn unknown(name: &str, known: &[InterfaceInfo]) -> DeviceError {
    let describe = |one: &InterfaceInfo| {
        let state = if one.is_up { " (up)" } else { "" };
        format!("{}{state}", escape_text(&one.name))
    };
    let allowed = (name.chars().count() / 3).max(1);
    let near = known.iter().map(|one| (strsim::osa_distance(name, &one.name), &one.name));
    let nearest = near.filter(|(distance, _)| *distance <= allowed).min();
    DeviceError::Unknown {
        name: name.to_owned(),
        known: known.iter().map(describe).collect(),
        nearest: nearest.map(|(_, name)| name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, is_up: bool) -> InterfaceInfo {
        let (description, addresses) = (None, Vec::new());
        InterfaceInfo { name: name.to_owned(), description, addresses, is_up, is_running: is_up }
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_those_that_are() {
        let error =
            unknown("eth7", &[info("lo", true), info("eth1", true), info("docker0", false)]);
        let said = error.diagnostic();
        assert_eq!(said.code, "interface-unknown");
        assert_eq!(said.notes, ["interfaces: lo (up), eth1 (up), docker0"]);
        assert_eq!(said.helps, ["did you mean eth1?"]);
        assert_eq!(error.exit_code(), 5);
    }

    #[test]
    fn what_libpcap_says_becomes_what_to_do() {
        let of = |text: &str| refusal("eth1", &pcap::Error::PcapError(text.to_owned()), &[]);
        let cases = [
            (
                "eth1: You don't have permission to perform this capture on that device",
                "capture-permission",
            ),
            ("socket: Operation not permitted", "capture-permission"),
            ("eth1: No such device exists", "interface-unknown"),
            ("eth1: That device is not up", "interface-down"),
            ("something else", "capture-device"),
        ];
        for (text, code) in cases {
            assert_eq!(of(text).diagnostic().code, code, "{text}");
        }
    }

    #[test]
    fn a_filter_that_is_no_good_is_usage_and_not_the_device() {
        let options = LiveOptions { filter: Some("host a.b".to_owned()), ..LiveOptions::default() };
        let Err(error) = open("lo", &options) else { panic!("must be refused") };
        assert_eq!((error.exit_code(), error.diagnostic().code), (2, "filter-needs-dns"));
    }
}
