//! A request that changes something, as far as it takes to know it when it comes again.

use std::hash::{DefaultHasher, Hasher as _};

use super::{Calls, Used};
use crate::model::{Moment, limits};

/// A request that is being read. Its hash does not depend on how its bytes were cut: the hasher takes a stream of bytes.
#[derive(Clone)]
pub(in crate::inspect) struct Printing {
    hasher: DefaultHasher,
    used: Used,
    repeatable: bool,
    at: Moment,
    /// Bytes of the body that were taken in.
    taken: usize,
}

impl Printing {
    /// Begins with method and target. Nothing for requests without a credential and for those that change nothing (RFC
    /// 9110 section 9.2.1). `repeatable`: the request says itself that it may come again.
    pub(in crate::inspect) fn begin(
        method: &[u8],
        target: &[u8],
        used: Used,
        repeatable: bool,
        at: Moment,
    ) -> Option<Self> {
        let changes = matches!(method, b"POST" | b"PUT" | b"PATCH" | b"DELETE");
        if !changes || !used.any() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        for part in [method, b" ", target, b"\0"] {
            hasher.write(part);
        }
        Some(Self { hasher, used, repeatable, at, taken: 0 })
    }

    /// Takes in bytes of the body. Says whether it may go on: of a long body nothing is said.
    pub(in crate::inspect) fn add(&mut self, body: &[u8]) -> bool {
        self.taken = self.taken.saturating_add(body.len());
        self.hasher.write(body);
        self.taken <= limits::PRINTED_BODY
    }

    /// Ends the request: takes note of a number for method, target and body. Of a short body it says nothing.
    pub(in crate::inspect) fn end(self, calls: &mut Calls) {
        if let Some(number) = self.number() {
            calls.print(self.used, number, self.repeatable, self.at);
        }
    }

    fn number(&self) -> Option<u64> {
        (self.taken >= limits::PRINTED_BODY_LEAST).then(|| self.hasher.finish())
    }
}

/// Whether a method of RPC says by its first word that it changes something. All of them are POST on the wire, and those
/// that read come again byte for byte all day.
pub(in crate::inspect) fn says_that_it_changes(path: &[u8]) -> bool {
    let method = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    CHANGING.iter().any(|verb| {
        let begins = method.get(..verb.len()).is_some_and(|word| word.eq_ignore_ascii_case(verb));
        let next = method.get(verb.len());
        begins && next.is_none_or(|byte| !byte.is_ascii_lowercase())
    })
}

/// First words of methods that should not happen twice.
#[rustfmt::skip]
const CHANGING: &[&[u8]] = &[
    b"add", b"approve", b"book", b"buy", b"cancel", b"capture", b"charge", b"checkout", b"create", b"credit", b"debit",
    b"delete", b"deposit", b"grant", b"insert", b"issue", b"order", b"pay", b"place", b"post", b"purchase", b"redeem",
    b"refund", b"register", b"remove", b"reserve", b"revoke", b"sell", b"send", b"ship", b"submit", b"transfer", b"withdraw",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_body_however_that_was_cut_and_not_by_a_short_one() {
        let number = |bodies: &[&[u8]]| {
            let begun = Printing::begin(b"POST", b"/pay", Used::SOME, false, Moment::default());
            let mut printing = begun.unwrap();
            assert!(bodies.iter().all(|body| printing.add(body)));
            printing.number()
        };
        let whole = number(&[b"{\"to\": \"DE89\", \"cents\": 4200}"]);
        assert!(whole.is_some());
        assert_eq!(number(&[b"{\"to\": \"DE89\", ", b"\"cents\": 4200}"]), whole);
        assert_ne!(number(&[b"{\"to\": \"DE89\", ", b"\"cents\": 4201}"]), whole);
        assert_eq!(number(&[b"{\"cents\": 1}"]), None, "two callers may send that");
    }

    #[test]
    fn the_first_word_of_a_method_says_whether_it_changes_something() {
        for path in ["/shop.Orders/PlaceOrder", "/bank.Ledger/Transfer", "/x.Y/pay", "/x.Y/SendV2"]
        {
            assert!(says_that_it_changes(path.as_bytes()), "{path}");
        }
        for path in
            ["/shop.Orders/GetOrder", "/x.Y/Postpone", "/x.Y/Payments", "/x.Pay/List", "", "/"]
        {
            assert!(!says_that_it_changes(path.as_bytes()), "{path}");
        }
    }
}
