//! What keeps a capture from being read, in words for the person who asked for it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::LinkType;
use super::suggest::{folder_of, shown};
use crate::model::{Diagnostic, escape_bytes, escape_text};

/// Why a source of frames cannot be opened or read, or a filter cannot be used.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The path names nothing.
    #[error("no such file: {}", shown(path))]
    Missing {
        /// The path as given.
        path: PathBuf,
        /// One that exists and is spelled much like it.
        nearest: Option<PathBuf>,
    },
    /// A pattern with `*` or `?` matches no file.
    #[error("no file matches \"{}\"", shown(pattern))]
    NoMatch {
        /// The pattern as given.
        pattern: PathBuf,
        /// What its folder holds.
        holds: Vec<String>,
    },
    /// A folder without any capture file.
    #[error("no capture file in {}", shown(folder))]
    NoCaptures {
        /// The folder as given.
        folder: PathBuf,
        /// What it holds.
        holds: Vec<String>,
        /// Whether its folders were looked into.
        recursive: bool,
    },
    /// The operating system refused.
    #[error("cannot read {name}: {cause}")]
    Unreadable {
        /// The source, escaped.
        name: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A file of length zero, or a stream that ended at once.
    #[error("{name} has no bytes")]
    Empty {
        /// The source, escaped.
        name: String,
    },
    /// The first bytes are those of something else.
    #[error("{name} is not a pcap or pcapng file")]
    NotACapture {
        /// The source, escaped.
        name: String,
        /// Its first bytes, at most eight; of the decompressed ones if it is compressed.
        head: Vec<u8>,
    },
    /// Standard input was asked for and is a terminal.
    #[error("\"-\" means: read a capture from standard input, but standard input is a terminal")]
    Terminal,
    /// libpcap's compiler refuses the filter.
    #[error("libpcap cannot parse the filter: {}", escape_text(cause))]
    FilterSyntax {
        /// The filter as given.
        filter: String,
        /// What libpcap said.
        cause: String,
        /// The same thing in BPF, when the filter is a display filter that was understood.
        suggestion: Option<String>,
        /// Whether it looks like a Wireshark display filter.
        display_filter: bool,
    },
    /// The filter names a host that only a name server could tell the address of.
    #[error("the filter names a host: \"{}\"", escape_text(host))]
    FilterHost {
        /// The name.
        host: String,
    },
    /// The filter says something that frames of one of the link types cannot answer.
    #[error("libpcap cannot apply the filter to link type {} ({link}): {}", link.0, escape_text(cause))]
    FilterLink {
        /// The link type.
        link: LinkType,
        /// What libpcap said.
        cause: String,
    },
}

impl CaptureError {
    /// As a message with what is known and what to do.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let error = Diagnostic::error(self.code(), self.to_string());
        match self {
            Self::Missing { nearest: Some(nearest), .. } => {
                error.help(format!("did you mean {}?", shown(nearest)))
            }
            Self::Missing { nearest: None, .. } => error,
            Self::NoMatch { pattern, holds } => {
                let folder = shown(folder_of(pattern));
                error.note(content(&folder, holds)).help(format!(
                    "quote the pattern or pass the directory: wirelint check {}/",
                    folder.trim_end_matches('/')
                ))
            }
            Self::NoCaptures { folder, holds, recursive } => {
                let error = error.note(content(&shown(folder), holds));
                if *recursive { error } else { error.help("--recursive looks into its folders") }
            }
            Self::Unreadable { cause, .. } => match cause.kind() {
                io::ErrorKind::PermissionDenied => error.help("read permission is all it needs"),
                _ => error,
            },
            Self::Empty { .. } => error.help(
                "tcpdump writes nothing until the buffer fills: run it with -U, and stop it with SIGINT, not SIGKILL",
            ),
            Self::NotACapture { head, .. } => error
                .note(first_bytes(head))
                .help("accepted: pcap (usec, nsec, swapped), pcapng; also .gz and .zst of these")
                .help("for a text or hex dump use text2pcap first"),
            Self::Terminal => error
                .help("pipe one in: ssh node tcpdump -i any -w - -U tcp | wirelint check -"),
            Self::FilterSyntax { filter, suggestion, display_filter, .. } => {
                filter_help(error, filter, suggestion.as_deref(), *display_filter)
            }
            Self::FilterHost { .. } => error
                .note("libpcap would ask DNS for it, and wirelint sends no packets")
                .help("use its address"),
            Self::FilterLink { .. } => {
                error.help("leave these frames out with a filter that all link types can answer")
            }
        }
    }

    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "input-missing",
            Self::NoMatch { .. } | Self::NoCaptures { .. } => "input-glob-empty",
            Self::Unreadable { .. } => "input-unreadable",
            Self::Empty { .. } => "empty-file",
            Self::NotACapture { .. } => "not-a-capture",
            Self::Terminal => "stdin-terminal",
            Self::FilterSyntax { .. } => "filter-syntax",
            Self::FilterHost { .. } => "filter-needs-dns",
            Self::FilterLink { .. } => "filter-linktype",
        }
    }
}

fn filter_help(
    error: Diagnostic,
    filter: &str,
    suggestion: Option<&str>,
    display_filter: bool,
) -> Diagnostic {
    let error = error.note(format!("the filter is: {}", escape_text(filter)));
    if !display_filter {
        return error.help("-f takes a BPF filter (man pcap-filter)");
    }
    let error = error
        .note("this is Wireshark display-filter syntax; -f takes a BPF filter (man pcap-filter)");
    match suggestion {
        Some(suggestion) => error.help(format!("try: -f \"{}\"", escape_text(suggestion))),
        None => error,
    }
}

/// Names of a folder's entries that are worth printing.
const NAMES_SHOWN: usize = 5;

fn content(folder: &str, holds: &[String]) -> String {
    let names: Vec<String> = holds.iter().take(NAMES_SHOWN).map(|name| escape_text(name)).collect();
    let more = if holds.len() > NAMES_SHOWN { ", ..." } else { "" };
    let folder = folder.trim_end_matches('/');
    match holds.len() {
        0 => format!("{folder}/ is empty"),
        1 => format!("{folder}/ holds 1 file: {}", names.join(", ")),
        n => format!("{folder}/ holds {n} files: {}{more}", names.join(", ")),
    }
}

fn first_bytes(head: &[u8]) -> String {
    let hex: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("first bytes are {} (\"{}\")", hex.join(" "), escape_bytes(head))
}
