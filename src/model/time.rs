//! Packet time.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};

/// A moment in microseconds since 1970-01-01T00:00:00Z, taken from a packet or a certificate, never from the clock of
/// the machine that runs the audit.
///
/// Microseconds, because certificates are valid until the year 9999 and 64 bits of nanoseconds end in 2262.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(i64);

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

impl Timestamp {
    /// Before every other.
    pub const MIN: Self = Self(i64::MIN);

    /// After every other.
    pub const MAX: Self = Self(i64::MAX);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds since the epoch; what does not fit becomes the nearest value that does.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Microseconds from `earlier` to this moment; negative when it is the other way round.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment moved by whole seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(1_000_000))
    }

    /// This many microseconds later.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The moment in words that sort: `2026-01-21T09:14:01Z`, to the second.
    #[must_use]
    pub fn to_seconds_text(self) -> String {
        let text = self.to_string();
        text.split_once('.').map_or_else(|| text.clone(), |(head, _)| format!("{head}Z"))
    }

    /// Reads an RFC 3339 moment or a plain date (`2026-01-21`, meaning its first moment, UTC).
    ///
    /// # Errors
    /// The words of the date library on what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(at.as_microsecond()));
        }
        // What is no moment to the library may be a plain date, or one of the last hours of the year 9999, which it
        // leaves out because they are over in some time zones.
        let utc = text.strip_suffix('Z').unwrap_or(text);
        let at: DateTime = utc.parse().map_err(|e: jiff::Error| e.to_string())?;
        let since_epoch = at.duration_since(EPOCH).as_micros();
        i64::try_from(since_epoch).map(Self).map_err(|e| e.to_string())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with six digits, as in `2026-01-21T09:14:01.000002Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match EPOCH.checked_add(SignedDuration::from_micros(self.0)) {
            Ok(at) => write!(f, "{at:.6}Z"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339_with_six_digits() {
        assert_eq!(
            Timestamp::from_micros(1_768_986_841_000_002).to_string(),
            "2026-01-21T09:14:01.000002Z"
        );
        assert_eq!(Timestamp::from_seconds(0).to_seconds_text(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn the_last_day_of_a_certificate_without_end_is_kept() {
        let end = Timestamp::from_seconds(253_402_300_799);
        assert_eq!(end.to_string(), "9999-12-31T23:59:59.000000Z");
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59Z"), Ok(end));
        let before = Timestamp::from_micros(-1);
        assert_eq!(before.to_string(), "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn reads_what_it_prints_and_plain_dates() {
        let at = Timestamp::from_micros(1_768_986_841_000_002);
        assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        assert_eq!(Timestamp::parse("1970-01-02"), Ok(Timestamp::from_seconds(86_400)));
        assert_eq!(Timestamp::parse("1970-01-01T01:00:00+01:00"), Ok(Timestamp::from_seconds(0)));
        assert!(Timestamp::parse("tomorrow").is_err());
    }
}
