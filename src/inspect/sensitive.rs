//! Data that nobody should send in clear: numbers of payment cards, private keys, addresses of e-mail.
//!
//! Takes the bytes of a readable direction as they come; counts what looks like such data in the first
//! [`limits::SEARCHED_BYTES`]. However the bytes are cut, it counts the same. Keeps the digits of the number at hand until
//! it ends, and nothing of what it found.

use std::ops::Range;

use crate::model::{Direction, Moment, PerDirection, SensitiveData, SensitiveKind, limits};

/// Searches both directions of a connection.
#[derive(Clone, Default)]
pub(super) struct Search {
    sides: PerDirection<Side>,
    found: Vec<SensitiveData>,
}

impl Search {
    /// Takes the bytes that come next in a direction.
    #[inline]
    pub(super) fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) {
        let side = &mut self.sides[direction];
        let left = limits::SEARCHED_BYTES.saturating_sub(side.searched);
        if left == 0 || bytes.is_empty() {
            return;
        }
        let bytes = bytes.get(..left).unwrap_or(bytes);
        side.searched = side.searched.saturating_add(bytes.len());
        let mut rest = bytes;
        while let Some((byte, behind)) = side.next(rest) {
            rest = behind;
            if let Some(kind) = side.take(byte) {
                note(&mut self.found, kind, direction, at);
            }
        }
    }

    /// Bytes of a direction are missing.
    pub(super) fn gap(&mut self, direction: Direction) {
        let side = &mut self.sides[direction];
        *side = Side { searched: side.searched, ..Side::default() };
    }

    /// What was found.
    pub(super) fn take(&mut self) -> Vec<SensitiveData> {
        std::mem::take(&mut self.found)
    }
}

fn note(all: &mut Vec<SensitiveData>, kind: SensitiveKind, direction: Direction, first: Moment) {
    match all.iter_mut().find(|one| (one.kind, one.direction) == (kind, direction)) {
        Some(one) => one.count = one.count.saturating_add(1),
        // There are as many as kinds and directions.
        None => all.push(SensitiveData { kind, direction, count: 1, first }),
    }
}

/// One direction. Has no `Debug`: it may hold digits of a card.
#[derive(Clone, Default)]
struct Side {
    searched: usize,
    number: Number,
    key: Key,
    address: Address,
}

impl Side {
    /// The next byte that can matter, and what is behind it. What cannot is only looked at for where words end.
    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(u8, &'a [u8])> {
        let mut bytes = bytes;
        if self.number.count == 0 && self.key.begun == 0 && !self.address.begun {
            bytes = pass(bytes, &mut self.number.in_word);
        }
        bytes.split_first().map(|(byte, rest)| (*byte, rest))
    }

    fn take(&mut self, byte: u8) -> Option<SensitiveKind> {
        let behind_word = self.number.in_word || self.number.group > 0;
        let address = self.address.ends_before(byte, behind_word);
        if self.key.ends_with(byte) {
            return Some(SensitiveKind::PrivateKey);
        }
        let card = self.number.ends_before(byte).then_some(SensitiveKind::CardNumber);
        card.or(address.then_some(SensitiveKind::EmailAddress))
    }
}

/// What stands behind the `@` of an address: labels of a name, of which the last is of letters.
#[derive(Clone, Copy, Default)]
struct Address {
    begun: bool,
    /// Bytes of the label at hand.
    label: u8,
    /// It has something else than letters.
    mixed: bool,
    /// Labels that ended with a dot.
    labels: u8,
    /// What ended with the last dot would do as the end of an address.
    whole: bool,
}

impl Address {
    const LONGEST_LABEL: u8 = 63;

    /// Takes the next byte. Says whether an address ended before it.
    fn ends_before(&mut self, byte: u8, behind_word: bool) -> bool {
        match byte {
            b'@' => *self = Self { begun: behind_word, ..Self::default() },
            _ if !self.begun => {}
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' if self.label < Self::LONGEST_LABEL => {
                self.label = self.label.saturating_add(1);
                self.mixed |= !byte.is_ascii_alphabetic();
            }
            b'.' if self.label > 0 => {
                self.whole = self.is_end();
                self.labels = self.labels.saturating_add(1);
                (self.label, self.mixed) = (0, false);
            }
            _ => {
                let whole = self.is_end() || self.label == 0 && self.whole;
                *self = Self::default();
                return whole && !is_word(byte);
            }
        }
        false
    }

    /// Whether the label at hand may be the last one.
    fn is_end(self) -> bool {
        self.labels > 0 && !self.mixed && (2..=24).contains(&self.label)
    }
}

/// Bytes that a number belongs to a longer word with.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// What is left of the bytes from the first on that can matter. A digit within a word begins no number.
fn pass<'a>(bytes: &'a [u8], in_word: &mut bool) -> &'a [u8] {
    let place = first_that_matters(bytes, *in_word);
    let (passed, rest) = bytes.split_at_checked(place).unwrap_or((bytes, &[]));
    if let Some(last) = passed.last() {
        *in_word = is_word(*last);
    }
    rest
}

/// The place of the first byte that can matter, or the end.
fn first_that_matters(bytes: &[u8], in_word: bool) -> usize {
    let mut from = 0_usize;
    while let Some(window) = bytes.get(from..).and_then(<[u8]>::first_chunk) {
        let behind = from.saturating_add(PLACES);
        if may_matter(window) {
            let place = look(bytes, from..behind, in_word);
            if place < behind {
                return place;
            }
        }
        from = behind;
    }
    // What is left is looked at with what is before it, where that makes a window.
    if bytes.last_chunk().is_some_and(|window| !may_matter(window)) {
        from = from.max(bytes.len().saturating_sub(FIRST_GROUP - 1));
    }
    look(bytes, from..bytes.len(), in_word)
}

/// The first of some places whose byte matters, or their end.
#[inline]
fn look(bytes: &[u8], places: Range<usize>, in_word: bool) -> usize {
    let mut place = places.start;
    while place < places.end && !matters(bytes, place, in_word) {
        place = place.saturating_add(1);
    }
    place
}

/// Bytes that are looked at together, for whether one of them can matter.
const PLACES: usize = 16;

/// These, and what must follow the last of them for it to matter.
const WINDOW: usize = PLACES + FIRST_GROUP - 1;

/// A number's first group has as many digits; fewer are the beginning of nothing.
const FIRST_GROUP: usize = 4;

/// Whether one of the first [`PLACES`] bytes of a window may matter: an `@`, the first of four digits or of two dashes.
/// Every place is judged, without a branch, so that the compiler judges all of them at once.
#[inline]
fn may_matter(window: &[u8; WINDOW]) -> bool {
    let mut any = false;
    for place in 0..PLACES {
        let at = |ahead: usize| window.get(place + ahead).copied().unwrap_or_default();
        let digit = |ahead: usize| at(ahead).is_ascii_digit();
        any |= digit(0) & digit(1) & digit(2) & digit(3);
        any |= (at(0) == b'-') & (at(1) == b'-');
        any |= at(0) == b'@';
    }
    any
}

/// Whether the byte at a place can matter, where nothing is at hand. Of digits and dashes that can be told from what
/// follows: most are the beginning of nothing, as those of dates and of names of header fields.
fn matters(bytes: &[u8], place: usize, in_word: bool) -> bool {
    let behind_word = || match place.checked_sub(1).and_then(|before| bytes.get(before)) {
        Some(before) => is_word(*before),
        None => in_word,
    };
    let begins = |length: usize, part: fn(&u8) -> bool| {
        let all = bytes.get(place..place.saturating_add(length));
        all.is_none_or(|all| all.iter().all(part))
    };
    match bytes.get(place) {
        Some(b'@') => behind_word(),
        Some(b'-') => begins(Key::DASHES, |byte| *byte == b'-'),
        Some(b'0'..=b'9') => begins(FIRST_GROUP, u8::is_ascii_digit) && !behind_word(),
        _ => false,
    }
}

/// The digits at hand: in one piece, or in groups as on a card.
#[derive(Clone, Default)]
struct Number {
    value: u64,
    count: u32,
    /// Lengths of the groups that have ended.
    groups: [u32; 3],
    ended: usize,
    /// Digits of the group at hand.
    group: u32,
    /// What stands between the groups.
    between: Option<u8>,
    /// Whatever comes next belongs to a word that is no number.
    in_word: bool,
}

impl Number {
    /// The most digits that a card has.
    const MOST: u32 = 16;

    /// Takes the next byte. Says whether a card's number ended before it.
    fn ends_before(&mut self, byte: u8) -> bool {
        match byte {
            b'0'..=b'9' if self.in_word => false,
            b'0'..=b'9' if self.count < Self::MOST => {
                self.value = self.value.saturating_mul(10).saturating_add(u64::from(byte & 0x0f));
                self.count = self.count.saturating_add(1);
                self.group = self.group.saturating_add(1);
                false
            }
            b' ' | b'-' if self.goes_on_behind(byte) => false,
            _ => {
                let whole = !is_word(byte) && self.is_card();
                *self = Self { in_word: is_word(byte), ..Self::default() };
                whole
            }
        }
    }

    /// Whether another group of digits may follow what separates it.
    fn goes_on_behind(&mut self, byte: u8) -> bool {
        let same = self.between.is_none_or(|between| between == byte);
        let Some(slot) = self.groups.get_mut(self.ended) else { return false };
        if !same || !matches!(self.group, 4..=6) {
            return false;
        }
        *slot = self.group;
        self.ended = self.ended.saturating_add(1);
        self.group = 0;
        self.between = Some(byte);
        true
    }

    fn is_card(&self) -> bool {
        let groups = matches!(
            (self.groups, self.group),
            ([0, 0, 0], 15 | 16) | ([4, 4, 4], 4) | ([4, 6, 0], 5)
        );
        groups && is_issued(self.value, self.count) && check_digit_fits(self.value)
    }
}

/// Whether an issuer of payment cards has numbers of this length that begin so.
fn is_issued(number: u64, digits: u32) -> bool {
    let begin = |length: u32| {
        let behind = 10_u64.checked_pow(digits.saturating_sub(length)).unwrap_or(u64::MAX);
        number.checked_div(behind).unwrap_or(0)
    };
    match digits {
        15 => matches!(begin(2), 34 | 37),
        16 => {
            begin(1) == 4
                || matches!(begin(2), 51..=55 | 62 | 65)
                || matches!(begin(3), 644..=649)
                || matches!(begin(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    }
}

/// The check digit of ISO/IEC 7812-1, annex B.
fn check_digit_fits(number: u64) -> bool {
    let (mut rest, mut sum, mut double) = (number, 0, false);
    while rest > 0 {
        let digit = rest % 10;
        sum += match (double, digit) {
            (false, digit) => digit,
            (true, 0..=4) => digit * 2,
            (true, _) => digit * 2 - 9,
        };
        rest /= 10;
        double = !double;
    }
    number > 0 && sum % 10 == 0
}

/// How much of `-----BEGIN ... PRIVATE KEY-----` was there (RFC 7468).
#[derive(Clone, Copy, Default)]
struct Key {
    /// Bytes of [`Key::BEGIN`].
    begun: usize,
    /// Bytes of the label.
    label: u8,
    /// The last of them.
    tail: [u8; Self::PRIVATE.len()],
}

impl Key {
    const BEGIN: &'static [u8] = b"-----BEGIN ";
    const DASHES: usize = 5;
    const PRIVATE: &'static [u8; 11] = b"PRIVATE KEY";
    const LONGEST_LABEL: u8 = 32;

    /// Takes the next byte. Says whether the label of a private key ends with it.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.begun < Self::BEGIN.len() {
            self.begun = match byte {
                _ if Self::BEGIN.get(self.begun) == Some(&byte) => self.begun.saturating_add(1),
                b'-' if self.begun == Self::DASHES => Self::DASHES,
                b'-' => 1,
                _ => 0,
            };
            return false;
        }
        let goes_on = matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' ');
        if goes_on && self.label < Self::LONGEST_LABEL {
            self.label = self.label.saturating_add(1);
            self.tail.rotate_left(1);
            if let Some(last) = self.tail.last_mut() {
                *last = byte;
            }
            return false;
        }
        let private = byte == b'-' && &self.tail == Self::PRIVATE;
        *self = Self { begun: usize::from(byte == b'-'), ..Self::default() };
        private
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::feeder::seeded;

    fn found(pieces: &[&[u8]]) -> Vec<(SensitiveKind, u64)> {
        let mut search = Search::default();
        for piece in pieces {
            search.read(Direction::ToServer, piece, Moment::default());
        }
        search.take().into_iter().map(|one| (one.kind, one.count)).collect()
    }

    const CARD: SensitiveKind = SensitiveKind::CardNumber;
    const KEY: SensitiveKind = SensitiveKind::PrivateKey;
    const ADDRESS: SensitiveKind = SensitiveKind::EmailAddress;

    /// Numbers that issuers publish for tests. No sample was recorded yet.
    #[test]
    fn card_numbers_are_found_in_one_piece_and_in_groups() {
        assert_eq!(found(&[b"{\"pan\":\"4111111111111111\"}"]), [(CARD, 1)]);
        assert_eq!(found(&[b"card=4111 1111 1111 1111&x"]), [(CARD, 1)]);
        assert_eq!(found(&[b"card=5555-5555-5555-4444;"]), [(CARD, 1)]);
        assert_eq!(found(&[b"\x0a\x0f378282246310005\x12"]), [(CARD, 1)]);
        assert_eq!(found(&[b"3782 822463 10005\n", b"6011111111111117\n"]), [(CARD, 2)]);
    }

    #[test]
    fn other_numbers_are_not_cards() {
        for text in [
            "4111111111111112,",                      // the check digit
            "1111111111111117,",                      // nobody issues these
            "id-4111111111111111,",                   // part of a word
            "4111111111111111a,",                     // part of a word
            "0.4111111111111111,",                    // a fraction
            "44111111111111111,",                     // too long
            "4111-1111 1111-1111,",                   // no way to write one
            "41111111-1111-1111,",                    // no way to write one
            "1763809200000000000,",                   // nanoseconds
            "550e8400-e29b-41d4-a716-446655440000\n", // a UUID
        ] {
            assert_eq!(found(&[text.as_bytes()]), [], "{text}");
        }
    }

    #[test]
    fn private_keys_are_found_and_public_things_are_not() {
        assert_eq!(found(&[b"-----BEGIN PRIVATE KEY-----\nMIIE"]), [(KEY, 1)]);
        assert_eq!(found(&[b"x ------BEGIN RSA PRIVATE KEY-----\\nMIIE"]), [(KEY, 1)]);
        assert_eq!(found(&[b"-----BEGIN OPENSSH PRIVATE KEY-----"]), [(KEY, 1)]);
        assert_eq!(found(&[b"-----BEGIN PUBLIC KEY-----\n"]), []);
        assert_eq!(found(&[b"-----BEGIN CERTIFICATE-----\n"]), []);
        assert_eq!(found(&[b"the PRIVATE KEY-----"]), []);
    }

    #[test]
    fn addresses_are_found_and_what_only_looks_like_them_is_not() {
        assert_eq!(found(&[b"{\"to\":\"ada.l+x@mail.example.org\"}"]), [(ADDRESS, 1)]);
        assert_eq!(found(&[b"<a@b.test>, 17@example.com."]), [(ADDRESS, 1)]);
        assert_eq!(found(&[b"17@example.com.\n"]), [(ADDRESS, 1)]);
        for text in [
            "root@localhost\n",    // no name of more than one label
            "@example.org ",       // nobody
            "a@example.o ",        // too short
            "a@10.77.0.3 ",        // an address of a machine
            "a@b..org ",           // a label without bytes
            "app@sha256:12ab.cd ", // an image
            "a@example.org_x ",    // part of a word
        ] {
            assert_eq!(found(&[text.as_bytes()]), [], "{text}");
        }
    }

    #[test]
    fn what_is_found_does_not_depend_on_how_bytes_are_cut() {
        let text: &[u8] =
            b"a 4111111111111111 b-5555-5555-5555-4444 -----BEGIN EC PRIVATE KEY----- 4111 1111 1111 1111 a1@b-2.org\n";
        let whole = found(&[text]);
        assert_eq!(whole, [(CARD, 2), (KEY, 1), (ADDRESS, 1)]);
        for cut in 0..text.len() {
            let (one, other) = text.split_at(cut);
            assert_eq!(found(&[one, other]), whole, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(found(&bytes), whole);
    }

    #[test]
    fn the_search_ends_and_a_hole_ends_what_was_at_hand() {
        let padding = vec![b'x'; limits::SEARCHED_BYTES - 4];
        assert_eq!(found(&[&padding, b" 4111111111111111 "]), []);
        let mut search = Search::default();
        search.read(Direction::ToServer, b"41111111", Moment::default());
        search.gap(Direction::ToServer);
        search.read(Direction::ToServer, b"11111111 ", Moment::default());
        assert_eq!(search.take(), []);
    }

    /// What is found when every byte is taken and none is passed over.
    fn found_by_each_byte(bytes: &[u8]) -> Vec<(SensitiveKind, u64)> {
        let (mut side, mut all) = (Side::default(), Vec::new());
        for kind in bytes.iter().filter_map(|byte| side.take(*byte)) {
            note(&mut all, kind, Direction::ToServer, Moment::default());
        }
        all.into_iter().map(|one| (one.kind, one.count)).collect()
    }

    proptest::proptest! {
        #![proptest_config(seeded())]

        #[test]
        fn what_is_passed_over_is_nothing(
            text in "([-@. a1/E:]|4111111111111111|[0-9]{1,5}|-----BEGIN PRIVATE KEY|a@b.org|x{9,20}){0,40}",
            noise in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            cuts in proptest::collection::vec(1_usize..60, 1..9),
        ) {
            let (before, behind) = noise.split_at(noise.len() / 2);
            let bytes = [before, text.as_bytes(), behind].concat();
            let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at(rest.len().min(*cut));
                pieces.push(piece);
                rest = behind;
            }
            proptest::prop_assert_eq!(found(&pieces), found_by_each_byte(&bytes));
            proptest::prop_assert_eq!(found(&[&bytes]), found_by_each_byte(&bytes));
        }
    }
}
