//! What was seen, what was not there, and what could not be seen.

use std::fmt;

/// An observation. "Could not see" is a value of its own: it is never drawn as a pass and never as a violation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Seen<T> {
    /// It was there, and this is what it said.
    Value(T),
    /// The place where it would have been was read, and it was not there.
    Absent,
    /// The place where it would have been could not be read.
    #[default]
    NotReached,
    /// The place where it would have been is hidden, for this reason.
    Hidden(Why),
}

/// Why something could not be seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Why {
    /// Encrypted: TLS 1.3 after ServerHello, TLS 1.2 after ChangeCipherSpec.
    Encrypted,
    /// Bytes are missing from the capture.
    Gap,
    /// The capture began after the connection did.
    MidStream,
    /// Only one direction of the connection was captured.
    OneSided,
    /// The session was resumed: what is asked for was said in an earlier one.
    Resumed,
    /// The bytes were there and made no sense.
    Malformed,
    /// A bound of [`super::limits`] was reached.
    Bound,
    /// The bytes were there, and checking what they claim takes an algorithm that is not built in.
    Unverifiable,
}

impl Why {
    /// The reason in words that complete "could not be seen: ...".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Encrypted => "it is encrypted",
            Self::Gap => "bytes are missing from the capture",
            Self::MidStream => "the capture began after the connection did",
            Self::OneSided => "only one direction was captured",
            Self::Resumed => "the session was resumed, and the original was not seen",
            Self::Malformed => "the bytes made no sense",
            Self::Bound => "there was more than wirelint keeps",
            Self::Unverifiable => "checking it takes an algorithm that wirelint does not have",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl<T> Seen<T> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The value to change, if there is one.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Whether there is a value.
    #[must_use]
    pub fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// Whether the place was read, with or without finding anything there.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        matches!(self, Self::Value(_) | Self::Absent)
    }

    /// The same observation of something derived from the value.
    pub fn map<'s, U>(&'s self, f: impl FnOnce(&'s T) -> U) -> Seen<U> {
        match self {
            Self::Value(value) => Seen::Value(f(value)),
            Self::Absent => Seen::Absent,
            Self::NotReached => Seen::NotReached,
            Self::Hidden(why) => Seen::Hidden(*why),
        }
    }

    /// The same observation of something within the value that may itself be absent or hidden.
    pub fn and_then<'s, U>(&'s self, f: impl FnOnce(&'s T) -> Seen<U>) -> Seen<U> {
        match self {
            Self::Value(value) => f(value),
            Self::Absent => Seen::Absent,
            Self::NotReached => Seen::NotReached,
            Self::Hidden(why) => Seen::Hidden(*why),
        }
    }

    /// Says why nothing was seen, where nothing was seen yet.
    pub fn hide(&mut self, why: Why) {
        if matches!(self, Self::NotReached) {
            *self = Self::Hidden(why);
        }
    }

    /// Says that it was not there, where nothing was seen yet.
    pub fn settle_absent(&mut self) {
        if matches!(self, Self::NotReached) {
            *self = Self::Absent;
        }
    }
}

impl<T> From<Option<T>> for Seen<T> {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Absent, Self::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hiding_never_overwrites_what_was_seen() {
        let mut seen = Seen::Value(1);
        seen.hide(Why::Gap);
        assert_eq!(seen, Seen::Value(1));
        let mut absent = Seen::<u8>::Absent;
        absent.hide(Why::Gap);
        assert_eq!(absent, Seen::Absent);
        let mut unreached = Seen::<u8>::NotReached;
        unreached.hide(Why::Encrypted);
        assert_eq!(unreached, Seen::Hidden(Why::Encrypted));
    }
}
