//! Time stamps of capture files turned into packet time.

use crate::model::Timestamp;

/// How an interface of a pcapng file counts time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Clock {
    unit: Unit,
    offset_seconds: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Micro,
    Nano,
    PowerOfTen(u32),
    PowerOfTwo(u32),
}

impl Clock {
    /// From the options if_tsresol and if_tsoffset.
    pub(super) fn new(resolution: u8, offset_seconds: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let unit = match (resolution & 0x80, exponent) {
            (0, 6) => Unit::Micro,
            (0, 9) => Unit::Nano,
            (0, _) => Unit::PowerOfTen(exponent.min(LARGEST_POWER_OF_TEN)),
            _ => Unit::PowerOfTwo(exponent),
        };
        Self { unit, offset_seconds }
    }

    /// Packet time of a count of units.
    #[inline]
    pub(super) fn at(self, ticks: u64) -> Timestamp {
        let micros = match self.unit {
            Unit::Micro => ticks,
            Unit::Nano => ticks / 1000,
            Unit::PowerOfTen(n) => scale(ticks, |micros| micros / 10_u128.pow(n)),
            Unit::PowerOfTwo(n) => scale(ticks, |micros| micros >> n),
        };
        let at = Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
        if self.offset_seconds == 0 { at } else { at.plus_seconds(self.offset_seconds) }
    }
}

/// More decimal digits than this leave nothing of a 64-bit count but still fit 128 bits.
const LARGEST_POWER_OF_TEN: u32 = 38;

fn scale(ticks: u64, divide: impl Fn(u128) -> u128) -> u64 {
    u64::try_from(divide(u128::from(ticks) * 1_000_000)).unwrap_or(u64::MAX)
}

/// Packet time of a classic pcap record.
#[inline]
pub(super) fn classic(seconds: u32, fraction: u32, nanoseconds: bool) -> Timestamp {
    let micros = if nanoseconds { fraction / 1000 } else { fraction };
    Timestamp::from_micros(i64::from(seconds) * 1_000_000 + i64::from(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_768_986_841;

    #[test]
    fn every_resolution_gives_the_same_moment() {
        let expected = Timestamp::from_micros(SECOND * 1_000_000 + 500_000);
        let second = SECOND.cast_unsigned();
        let half = [
            (0, second),
            (3, second * 1000 + 500),
            (6, second * 1_000_000 + 500_000),
            (9, second * 1_000_000_000 + 500_000_000),
            (0x80 | 1, second * 2 + 1),
            (0x80 | 20, (second << 20) + (1 << 19)),
            (0x80 | 32, (second << 32) + (1 << 31)),
        ];
        for (resolution, ticks) in half {
            let at = Clock::new(resolution, 0).at(ticks);
            let shown =
                if resolution == 0 { at.plus_seconds(0).micros() + 500_000 } else { at.micros() };
            assert_eq!(shown, expected.micros(), "resolution {resolution:#x}");
        }
    }

    #[test]
    fn an_offset_moves_time_by_whole_seconds() {
        assert_eq!(Clock::new(6, -10).at(11_000_000), Timestamp::from_seconds(1));
    }

    #[test]
    fn no_resolution_and_no_offset_overflows() {
        for resolution in 0..=u8::MAX {
            for offset in [i64::MIN, -1, 0, i64::MAX] {
                for ticks in [0, 1, u64::MAX] {
                    let _moment = Clock::new(resolution, offset).at(ticks);
                }
            }
        }
        let last = classic(u32::MAX, u32::MAX, false);
        assert_eq!(last.micros(), (i64::from(u32::MAX)) * 1_000_001);
    }
}
