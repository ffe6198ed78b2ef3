//! How a person sees a piece of evidence with other eyes: the file, the frames, and a display filter for them.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::model::{Evidence, RunInfo};
use crate::store::flat;

/// The frames of one piece of evidence that are in one file.
pub(super) struct InFile {
    /// The file, as the user gave it.
    pub(super) file: String,
    /// Numbers within it, as `frame.number`.
    pub(super) frames: Vec<u64>,
    /// A display filter of Wireshark that shows these frames and no others.
    pub(super) filter: String,
}

/// The frames of a piece of evidence, file by file.
pub(super) fn in_files(run: &RunInfo, evidence: &Evidence) -> Vec<InFile> {
    let mut files: Vec<InFile> = Vec::new();
    for moment in &evidence.frames {
        let Some((file, number)) = flat::place(run, moment.frame) else { continue };
        match files.last_mut().filter(|last| last.file == file) {
            Some(last) => last.frames.push(number),
            None => files.push(InFile {
                file: file.to_owned(),
                frames: vec![number],
                filter: String::new(),
            }),
        }
    }
    for one in &mut files {
        one.filter = filter(evidence, &one.frames);
    }
    files
}

/// The frames between the two ends. Ends and ports guard against a file that was cut anew since.
fn filter(evidence: &Evidence, frames: &[u64]) -> String {
    let mut out = "frame.number in {".to_owned();
    for (at, number) in frames.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _infallible = write!(out, "{comma}{number}");
    }
    out.push('}');
    for end in [evidence.client, evidence.server] {
        let field = if matches!(end.addr, IpAddr::V4(_)) { "ip.addr" } else { "ipv6.addr" };
        let _infallible = write!(out, " && {field} == {}", end.addr);
    }
    let (port, transport) = (evidence.client.port, evidence.client.transport.name());
    let _infallible = write!(out, " && {transport}.port == {port}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Transport, fixture};

    #[test]
    fn a_filter_names_the_frames_of_each_file_and_the_ends() {
        let outcome = fixture::outcome();
        let mut evidence = outcome.findings[0].evidence[0].clone();
        evidence.frames = [118, 120, 310].map(fixture::moment).to_vec();
        let files = in_files(&outcome.run, &evidence);
        let ends = "ip.addr == 10.0.1.5 && ip.addr == 10.0.2.9 && tcp.port == 41000";
        assert_eq!(files[0].file, "captures/staging.pcapng");
        assert_eq!(files[0].filter, format!("frame.number in {{118, 120}} && {ends}"));
        assert_eq!(
            (files[1].file.as_str(), &files[1].frames[..]),
            ("captures/night.pcap", &[10][..])
        );
        assert_eq!(files[1].filter, format!("frame.number in {{10}} && {ends}"));
        evidence.client = evidence.client.over(Transport::Udp);
        let files = in_files(&outcome.run, &evidence);
        assert!(files[1].filter.ends_with("udp.port == 41000"), "{}", files[1].filter);
    }
}
