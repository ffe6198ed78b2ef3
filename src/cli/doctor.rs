//! `wirelint doctor`: can I capture here? what is missing?

mod ethtool;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::terminal::{Terminal, unwritable};
use super::{Code, DEVICE, OK, STORAGE};
use crate::capture::{
    Arrival, DeviceError, Feed as _, InterfaceFeed, LiveOptions, interfaces, open,
};
use crate::edge::{is_root, may_capture};
use crate::model::escape_text;

/// `wirelint doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The interface to look at
    #[arg(short, long, value_name = "IFACE")]
    pub(crate) interface: Option<String>,
    /// The database that a watch is to write
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// Seconds for which traffic is looked at
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    pub(crate) sample: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    Ok,
    Warn,
    Fail,
}

/// What was found, group by group.
#[derive(Default)]
struct Report {
    lines: Vec<Line>,
}

struct Line {
    group: &'static str,
    mark: Mark,
    what: String,
    /// The command that mends it.
    mend: String,
}

impl Report {
    fn say(&mut self, group: &'static str, mark: Mark, what: impl Into<String>, mend: &str) {
        self.lines.push(Line { group, mark, what: what.into(), mend: mend.to_owned() });
    }

    fn count(&self, mark: Mark) -> usize {
        self.lines.iter().filter(|line| line.mark == mark).count()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut group = "";
        for line in &self.lines {
            if line.group != group {
                group = line.group;
                text.push_str(&format!("{group}\n"));
            }
            let mark = match line.mark {
                Mark::Ok => "ok",
                Mark::Warn => "warn",
                Mark::Fail => "FAIL",
            };
            let (what, mend) = (&line.what, &line.mend);
            let row = format!("  {mark:<4}  {what:<44}  {mend}");
            text.push_str(row.trim_end());
            text.push('\n');
        }
        let (warnings, failures) = (self.count(Mark::Warn), self.count(Mark::Fail));
        text.push_str(&format!(
            "{}, {}\n",
            number(warnings, "warning"),
            number(failures, "failure")
        ));
        text
    }
}

fn number(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Runs the command.
pub(super) fn run(args: &DoctorArgs, terminal: &Terminal) -> Code {
    let mut report = Report::default();
    capture(args, &mut report);
    storage(args, &mut report);
    sandbox(&mut report);
    let code = if report.count(Mark::Fail) > 0 { DEVICE } else { OK };
    match terminal.print(&report.text()) {
        Ok(()) => code,
        Err(error) => terminal.refuse(&[unwritable(&error)], STORAGE),
    }
}

fn capture(args: &DoctorArgs, report: &mut Report) {
    const GROUP: &str = "capture";
    if may_capture() {
        report.say(GROUP, Mark::Ok, "CAP_NET_RAW", "");
    } else {
        let mend = "sudo setcap cap_net_raw=ep $(command -v wirelint)";
        report.say(GROUP, Mark::Fail, "CAP_NET_RAW missing", mend);
    }
    let Some(name) = &args.interface else {
        let all = interfaces().unwrap_or_default();
        let up: Vec<String> =
            all.iter().filter(|one| one.is_up).map(|one| escape_text(&one.name)).collect();
        let what = format!("interfaces that are up: {}", up.join(", "));
        return report.say(GROUP, Mark::Ok, what, "wirelint doctor -i IFACE looks closer");
    };
    let shown = escape_text(name);
    match open(name, &LiveOptions::default()) {
        Ok(opened) => {
            let stamps = if opened.has_nanoseconds() { "nanosecond" } else { "microsecond" };
            let what = format!("{shown} opens, link type {}, {stamps} stamps", opened.link());
            report.say(GROUP, Mark::Ok, what, "");
            if args.sample > 0 {
                sample(args, opened, report);
            }
        }
        Err(DeviceError::Down { .. }) => {
            let what = format!("{shown} is down");
            report.say(GROUP, Mark::Fail, what, &format!("ip link set {shown} up"));
        }
        Err(error) => {
            let said = error.diagnostic();
            let mend = said.helps.first().cloned().unwrap_or_default();
            report.say(GROUP, Mark::Fail, said.message, &mend);
        }
    }
    offload(name, report);
    hardware(name, report);
}

/// What costs packets, or makes long ones of them, in the interface itself.
fn hardware(name: &str, report: &mut Report) {
    if !std::path::Path::new("/sys/class/net").join(name).exists() {
        return;
    }
    let shown = escape_text(name);
    let known = ethtool::ask(name);
    if let Some((now, most)) = known.ring {
        let (mark, mend) = match now < most {
            true => (Mark::Warn, format!("ethtool -G {shown} rx {most}")),
            false => (Mark::Ok, String::new()),
        };
        report.say("capture", mark, format!("rx ring {now} of {most}"), &mend);
    }
    match known.joins {
        Some(true) => {
            let mend = format!("ethtool -K {shown} gro off lro off   (long packets are read, too)");
            report.say("capture", Mark::Warn, "GRO is on: packets up to 64 KiB", &mend);
        }
        Some(false) => report.say("capture", Mark::Ok, "GRO is off", ""),
        None => {}
    }
}

/// What the system says of an interface in files that everyone may read.
fn offload(name: &str, report: &mut Report) {
    const ETHERNET: u64 = 1500;
    let read = |file: &str| std::fs::read_to_string(format!("/sys/class/net/{name}/{file}"));
    let Ok(mtu) = read("mtu") else { return };
    let mtu: u64 = mtu.trim().parse().unwrap_or(ETHERNET);
    let what = format!("MTU {mtu}, snapshot length 262144");
    report.say("capture", Mark::Ok, what, "");
    let missed: u64 =
        read("statistics/rx_missed_errors").ok().and_then(|n| n.trim().parse().ok()).unwrap_or(0);
    if missed > 0 {
        let what = format!("the interface missed {missed} frames so far");
        let mend = format!("ethtool -G {} rx 4096", escape_text(name));
        report.say("capture", Mark::Warn, what, &mend);
    }
}

fn sample(args: &DoctorArgs, opened: crate::capture::OpenInterface, report: &mut Report) {
    const GROUP: &str = "traffic";
    let Ok(mut feed) = InterfaceFeed::start(vec![opened]) else { return };
    let until = Instant::now() + Duration::from_secs(args.sample);
    let (mut frames, mut long, mut tcp) = (0u64, 0u64, 0u64);
    let mut decoder = crate::decode::Decoder::new();
    while Instant::now() < until {
        let Arrival::Frames(batch) = feed.next(Duration::from_millis(100)) else { continue };
        for frame in (0..batch.len()).filter_map(|at| batch.frame(at)) {
            frames += 1;
            long += u64::from(frame.data.len() > 9018);
            let is_tcp = matches!(decoder.decode(&frame), crate::decode::Decoded::Segment(_));
            tcp += u64::from(is_tcp);
        }
    }
    let dropped: u64 = feed.sources().iter().map(crate::capture::SourceReport::dropped).sum();
    let seconds = args.sample;
    if frames == 0 {
        let what = format!("no packet in {seconds} s");
        return report.say(
            GROUP,
            Mark::Warn,
            what,
            "does the mirror port send? tcpdump -c1 -i IFACE",
        );
    }
    let what = format!("{frames} packets in {seconds} s, {tcp} of them TCP");
    report.say(GROUP, if tcp > 0 { Mark::Ok } else { Mark::Warn }, what, "");
    if long > 0 {
        let mend = "ethtool -K IFACE gro off lro off   (not needed: long packets are read too)";
        report.say(GROUP, Mark::Warn, format!("{long} packets are joined ones (GRO)"), mend);
    }
    if dropped > 0 {
        let what = format!("{dropped} packets were lost");
        report.say(GROUP, Mark::Warn, what, "wirelint watch -B 256MiB");
    }
}

fn storage(args: &DoctorArgs, report: &mut Report) {
    use std::os::unix::fs::PermissionsExt as _;
    const GROUP: &str = "storage";
    let Some(path) = &args.db else { return };
    let shown = escape_text(&path.to_string_lossy());
    match std::fs::metadata(path) {
        Ok(known) => {
            let mode = known.permissions().mode() & 0o777;
            let what = format!("{shown} {mode:04o}, {} MiB", known.len() >> 20);
            let open = mode & 0o077 != 0;
            let mark = if open { Mark::Warn } else { Mark::Ok };
            let mend = if open { format!("chmod 600 {shown}") } else { String::new() };
            report.say(GROUP, mark, what, &mend);
        }
        Err(_) => {
            let folder = crate::edge::folder_of(path);
            let what = format!("{shown} does not exist yet");
            if folder.is_dir() {
                report.say(GROUP, Mark::Ok, what, "");
            } else {
                let mend = format!("install -d -m 700 {}", escape_text(&folder.to_string_lossy()));
                report.say(GROUP, Mark::Fail, format!("{shown}: no such folder"), &mend);
            }
        }
    }
}

fn sandbox(report: &mut Report) {
    const GROUP: &str = "sandbox";
    let seccomp = std::path::Path::new("/proc/sys/kernel/seccomp").exists();
    let mark = |there: bool| if there { Mark::Ok } else { Mark::Warn };
    let said = |there: bool, what: &str| {
        if there { what.to_owned() } else { format!("{what}: the kernel does not have it") }
    };
    report.say(GROUP, mark(seccomp), said(seccomp, "seccomp"), "");
    let landlock = crate::edge::has_landlock();
    report.say(GROUP, mark(landlock), said(landlock, "landlock"), "");
    if is_root() {
        report.say(GROUP, Mark::Warn, "running as root", "wirelint watch --user USER gives it up");
    } else {
        report.say(GROUP, Mark::Ok, "not running as root", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_groups_marks_and_what_mends_it() {
        let mut report = Report::default();
        report.say("capture", Mark::Ok, "eth1 opens", "");
        report.say("capture", Mark::Fail, "CAP_NET_RAW missing", "setcap ...");
        report.say("sandbox", Mark::Warn, "landlock", "");
        let text = report.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "capture");
        assert_eq!(lines[1], "  ok    eth1 opens");
        assert!(
            lines[2].starts_with("  FAIL  CAP_NET_RAW missing") && lines[2].ends_with("setcap ...")
        );
        assert_eq!((lines[3], lines[5]), ("sandbox", "1 warning, 1 failure"));
    }
}
