//! Where receivers are, as users write it. What may be a secret in it (the path of a webhook) is never shown.

use std::fmt;

/// How a receiver is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// In datagrams.
    Udp,
    /// In the clear.
    Tcp,
    /// Within TLS.
    Tls,
}

/// An address that cannot be meant.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(&'static str);

/// A host and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A syslog receiver: `udp://HOST:PORT`, `tcp://HOST:PORT`, `tls://HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyslogAddress {
    /// How it is reached.
    pub scheme: Scheme,
    /// Where.
    pub authority: Authority,
}

/// A webhook: `https://HOST[:PORT]/PATH`, or `http` where the wire is trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress {
    /// How it is reached: TLS or TCP.
    pub scheme: Scheme,
    /// Where.
    pub authority: Authority,
    /// The path with its query, from the first slash.
    pub target: String,
}

impl SyslogAddress {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        const WRONG: AddressError =
            AddressError("expected udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT");
        let (scheme, rest) = text.split_once("://").ok_or(WRONG)?;
        // The ports that RFC 5426, 6587 and 5425 give.
        let (scheme, port) = match scheme {
            "udp" => (Scheme::Udp, 514),
            "tcp" => (Scheme::Tcp, 601),
            "tls" => (Scheme::Tls, 6514),
            _ => return Err(WRONG),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        Ok(Self { scheme, authority: Authority::parse(rest, port)? })
    }
}

impl WebhookAddress {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        const WRONG: AddressError = AddressError("expected https://HOST[:PORT]/PATH or http://...");
        let (scheme, rest) = text.split_once("://").ok_or(WRONG)?;
        let (scheme, port) = match scheme {
            "https" => (Scheme::Tls, 443),
            "http" => (Scheme::Tcp, 80),
            _ => return Err(WRONG),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or(WRONG)?;
        if target.contains('#') {
            return Err(AddressError("a fragment (#) is never sent: leave it out"));
        }
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError("only printable ASCII, the rest written as %XX"));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        let authority = Authority::parse(authority, port)?;
        Ok(Self { scheme, authority, target: format!("{slash}{target}") })
    }
}

impl Authority {
    fn parse(text: &str, default: u16) -> Result<Self, AddressError> {
        if text.contains('@') {
            return Err(AddressError("no user and password in it: they would be shown in lists"));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or(AddressError("a bracket is missing"))?,
            None => {
                text.split_at_checked(text.find(':').unwrap_or(text.len())).unwrap_or((text, ""))
            }
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port > 0),
            None if port.is_empty() => Some(default),
            None => None,
        };
        let port = port.ok_or(AddressError("the port must be a number from 1 to 65535"))?;
        let is_name = |c: u8| c.is_ascii_alphanumeric() || b"-._:%".contains(&c);
        if host.is_empty() || !host.bytes().all(is_name) {
            return Err(AddressError("there must be a host: a name or an address"));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}/...", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syslog_receivers_have_a_way_and_a_place() {
        let read = |text: &str| {
            SyslogAddress::parse(text).map(|a| (a.scheme, a.authority.host, a.authority.port))
        };
        assert_eq!(read("udp://log"), Ok((Scheme::Udp, "log".to_owned(), 514)));
        assert_eq!(read("tcp://10.0.0.1:1514"), Ok((Scheme::Tcp, "10.0.0.1".to_owned(), 1514)));
        assert_eq!(read("tls://[2001:db8::1]/"), Ok((Scheme::Tls, "2001:db8::1".to_owned(), 6514)));
        for wrong in
            ["log:514", "http://log", "tcp://", "tcp://log:0", "tcp://log:99999", "tcp://a b"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn webhooks_have_a_target_that_is_not_shown() {
        let read = WebhookAddress::parse("https://hooks.example/T0/secret?x=1").unwrap();
        assert_eq!(read.target, "/T0/secret?x=1");
        assert_eq!(read.authority.to_string(), "hooks.example:443");
        assert!(!format!("{read:?}").contains("secret"));
        assert_eq!(WebhookAddress::parse("http://[::1]:8080?a").unwrap().target, "/?a");
        for wrong in [
            "https://u:p@h/",
            "https:///x",
            "ftp://h/",
            "https://h/a b",
            "https://h/a\r\nX: y",
            "https://h/#x",
            "https://h:x/",
        ] {
            assert!(WebhookAddress::parse(wrong).is_err(), "{wrong}");
        }
    }
}
