//! What the service manager is told: that the watch is ready, reads its files again, is alive, ends.
//!
//! The protocol of `sd_notify`: lines in a datagram to the socket that `NOTIFY_SOCKET` names. Where there is none, nothing
//! is told. The socket is opened while the process still may.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// How long the manager may take to make room for what it is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service manager's ear.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Finds it by the variables of the environment, which `variable` looks up.
    ///
    /// # Errors
    /// There is a name, and no socket to it.
    pub fn find(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> io::Result<Option<Self>> {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| for_us && *micros > 0);
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address(&name)?)?;
        // A manager that does not read is not waited for, beyond what one that is busy needs.
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Some(Self { socket, watchdog: watchdog.map(Duration::from_micros) }))
    }

    /// How often the manager wants to hear that the watch is alive: half of the time that it waits.
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.map(|waits| waits / 2)
    }

    /// The capture runs, or what was read again is in force.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// What the user wrote is being read again.
    pub fn reloading(&self) {
        // Without the time a manager cannot tell this reload from an earlier one.
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC);
        let micros = now.map_or(0, |now| now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The end begins.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// It is alive.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// How it goes, in one line.
    pub fn status(&self, line: &str) {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        self.tell(&format!("STATUS={line}"));
    }

    fn tell(&self, lines: &str) {
        let _nobody_listens = self.socket.send(lines.as_bytes());
    }
}

/// The name of this host, as far as it is text; empty where it has none.
#[must_use]
pub fn host_name() -> String {
    let name = nix::unistd::gethostname().ok();
    name.and_then(|name| name.into_string().ok()).unwrap_or_default()
}

/// A path, or with `@` a name that is in no folder.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a path nor an @name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    fn notifier(name: &str, more: &[(&str, &str)]) -> Notifier {
        let all: Vec<(String, String)> = [("NOTIFY_SOCKET", name)]
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let variable =
            |name: &str| all.iter().find(|one| one.0 == name).map(|one| one.1.clone().into());
        Notifier::find(variable).unwrap().unwrap()
    }

    #[test]
    fn the_manager_hears_by_path_and_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        notifier(path.to_str().unwrap(), &[]).ready();
        assert_eq!(heard(&by_path), "READY=1");
        let name = format!("wirelint-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        let notifier = notifier(&format!("@{name}"), &[]);
        notifier.reloading();
        let told = heard(&by_name);
        let micros = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(micros.parse::<u64>().unwrap() > 0);
        notifier.status("a\nREADY=1");
        assert_eq!(heard(&by_name), "STATUS=aREADY=1", "one line, whatever is said");
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _manager = UnixDatagram::bind(&path).unwrap();
        let path = path.to_str().unwrap();
        let own = std::process::id().to_string();
        let wants = |more: &[(&str, &str)]| notifier(path, more).watchdog();
        let (asked, half) = (("WATCHDOG_USEC", "3000000"), Some(Duration::from_micros(1_500_000)));
        assert_eq!(wants(&[asked]), half);
        assert_eq!(wants(&[asked, ("WATCHDOG_PID", &own)]), half);
        assert_eq!(wants(&[asked, ("WATCHDOG_PID", "1")]), None);
        assert_eq!(wants(&[]), None);
    }

    #[test]
    fn without_a_manager_nothing_is_told_and_a_wrong_name_is_said() {
        assert!(Notifier::find(|_| None).unwrap().is_none());
        assert!(Notifier::find(|name| (name == "NOTIFY_SOCKET").then(|| "x".into())).is_err());
    }
}
