//! Parts of a session that say so little that they stand for all their fields in a verdict's key.

use super::fields::{Judged as _, Part, Subject, SubjectKind, Told, Value};
use super::{Answer, KeyExchange, Moment, OfferedVersions, Seen, TlsFacts};

/// A part of a session's TLS in few bytes. There is room for all that each of them says.
pub type Gist = [u8; 9];

/// A part of what a session's TLS showed that says so little that it stands for all its fields in a verdict's key.
pub trait Brief: Told + Copy + 'static {
    /// It, as far as it was seen.
    fn seen(tls: &TlsFacts) -> Seen<Self>;

    /// All of it: two that differ have different ones.
    fn gist(self) -> Gist;

    /// Reads something of it. It is given by value, so that nothing else can be read.
    fn of<'a>(
        subject: &Subject<'a>,
        read: impl FnOnce(Self) -> Seen<Value<'a>>,
    ) -> Seen<Value<'a>> {
        TlsFacts::of(subject, |tls| Self::seen(tls).and_then(|brief| read(*brief)))
    }
}

impl Told for OfferedVersions {
    const ON: SubjectKind = SubjectKind::Session;
    const PART: Part = Part::Offer;
}

impl Brief for OfferedVersions {
    fn seen(tls: &TlsFacts) -> Seen<Self> {
        tls.client_hello.map(|hello| hello.offered_versions())
    }

    fn gist(self) -> Gist {
        let Self { low, high, fallback } = self;
        let ([a, b], [c, d]) = (low.to_le_bytes(), high.to_le_bytes());
        [a, b, c, d, u8::from(fallback), 0, 0, 0, 0]
    }
}

impl Told for Answer {
    const ON: SubjectKind = SubjectKind::Session;
    const PART: Part = Part::Answer;
}

impl Brief for Answer {
    fn seen(tls: &TlsFacts) -> Seen<Self> {
        tls.server_hello.map(|hello| hello.answer)
    }

    fn gist(self) -> Gist {
        let Self {
            version,
            suite,
            compression,
            group,
            psk,
            extended_master_secret,
            encrypt_then_mac,
            secure_renegotiation,
            ticket,
            downgrade_sentinel,
        } = self;
        let flags = flags([
            psk,
            extended_master_secret,
            encrypt_then_mac,
            secure_renegotiation,
            ticket,
            group.is_some(),
            downgrade_sentinel.is_some(),
        ]);
        let ([a, b], [c, d]) = (version.to_le_bytes(), suite.to_le_bytes());
        let [e, f] = group.unwrap_or_default().to_le_bytes();
        [a, b, c, d, e, f, compression, downgrade_sentinel.unwrap_or_default(), flags]
    }
}

impl Told for KeyExchange {
    const ON: SubjectKind = SubjectKind::Session;
    const PART: Part = Part::Exchange;
}

impl Brief for KeyExchange {
    fn seen(tls: &TlsFacts) -> Seen<Self> {
        // When it came is no part of what it says.
        tls.key_exchange.map(|exchange| Self { at: Moment::default(), ..*exchange })
    }

    fn gist(self) -> Gist {
        let Self { at: _, group, dh_bits, signature_scheme } = self;
        let flags = flags([group.is_some(), dh_bits.is_some(), signature_scheme.is_some()]);
        let [a, b] = group.unwrap_or_default().to_le_bytes();
        let [c, d, e, f] = dh_bits.unwrap_or_default().to_le_bytes();
        let [g, h] = signature_scheme.unwrap_or_default().to_le_bytes();
        [a, b, c, d, e, f, g, h, flags]
    }
}

/// Up to eight of them in a byte.
fn flags<const N: usize>(bits: [bool; N]) -> u8 {
    bits.into_iter().fold(0, |flags, bit| flags << 1 | u8::from(bit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClientOffer;

    fn all_differ<T: Brief>(briefs: impl IntoIterator<Item = T>) {
        let mut gists: Vec<Gist> = briefs.into_iter().map(T::gist).collect();
        let count = gists.len();
        gists.sort_unstable();
        gists.dedup();
        assert_eq!(gists.len(), count);
    }

    #[test]
    fn answers_that_differ_have_other_gists() {
        let plain = Answer::default();
        let others = [
            Answer { version: 0x0304, ..plain },
            Answer { version: 0x0003, ..plain },
            Answer { suite: 0x1301, ..plain },
            Answer { compression: 1, ..plain },
            Answer { group: Some(0), ..plain },
            Answer { group: Some(29), ..plain },
            Answer { psk: true, ..plain },
            Answer { extended_master_secret: true, ..plain },
            Answer { encrypt_then_mac: true, ..plain },
            Answer { secure_renegotiation: true, ..plain },
            Answer { ticket: true, ..plain },
            Answer { downgrade_sentinel: Some(0), ..plain },
            Answer { downgrade_sentinel: Some(1), ..plain },
        ];
        all_differ(others.into_iter().chain([plain]));
    }

    #[test]
    fn exchanges_that_differ_have_other_gists() {
        let plain = KeyExchange::default();
        let others = [
            KeyExchange { group: Some(0), ..plain },
            KeyExchange { group: Some(29), ..plain },
            KeyExchange { dh_bits: Some(0), ..plain },
            KeyExchange { dh_bits: Some(29), ..plain },
            KeyExchange { dh_bits: Some(1 << 16), ..plain },
            KeyExchange { signature_scheme: Some(0), ..plain },
            KeyExchange { signature_scheme: Some(29), ..plain },
        ];
        all_differ(others.into_iter().chain([plain]));
    }

    #[test]
    fn offers_that_say_other_things_of_versions_have_other_gists() {
        let offer = |legacy_version, versions: &[u16]| {
            let versions = versions.into();
            ClientOffer { legacy_version, versions, ..ClientOffer::default() }.offered_versions()
        };
        let range = |offered: OfferedVersions| (offered.low, offered.high);
        assert_eq!(range(offer(0x0303, &[])), (0x0303, 0x0303));
        assert_eq!(range(offer(0x0303, &[0x0304, 0x0302, 0x0303])), (0x0302, 0x0304));
        let same = offer(0x0303, &[0x0304, 0x0303]);
        assert_eq!(same, offer(0x0301, &[0x0303, 0x0304]));
        let others =
            [offer(0x0303, &[]), offer(0x0303, &[0x0304]), offer(0x0303, &[0x0304, 0x0301])];
        for other in others.into_iter().chain([OfferedVersions { fallback: true, ..same }]) {
            assert_ne!(other.gist(), same.gist());
        }
    }
}
