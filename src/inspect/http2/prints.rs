//! Prints of the requests that are being read, a few streams at a time.

use super::frames::{self, Frame};
use super::message::Message;
use crate::inspect::calls::Calls;
use crate::inspect::calls::printing::{Printing, says_that_it_changes};
use crate::model::{Moment, limits};

/// The requests of one connection whose bodies are being taken in.
#[derive(Clone, Default)]
pub(super) struct Prints {
    open: Vec<(u32, Printing)>,
    /// The stream whose data comes next, and whether the request ends with it.
    at_hand: Option<(u32, bool)>,
}

impl Prints {
    /// Begins with the head of a request on a stream; ends there when nothing follows. What calls that are all POST do is
    /// told from their names.
    pub(super) fn begin(
        &mut self,
        (stream, ends): (u32, bool),
        message: &Message,
        calls: &mut Calls,
        at: Moment,
    ) {
        let (Some(method), Some(path), true) =
            (message.method(), message.path(), message.used.any())
        else {
            return;
        };
        let rpc = message.grpc || message.call || message.may_be_grpc();
        if rpc && !says_that_it_changes(path) {
            return;
        }
        let Some(printing) = Printing::begin(method, path, message.used, message.repeatable, at)
        else {
            return;
        };
        if ends {
            printing.end(calls);
        } else if self.open.len() < limits::PRINTED_STREAMS {
            self.open.push((stream, printing));
        }
    }

    /// A frame of the client begins.
    #[inline]
    pub(super) fn frame(&mut self, frame: Frame, calls: &mut Calls) {
        self.at_hand = None;
        if !self.open.is_empty() {
            self.frame_of_some(frame, calls);
        }
    }

    fn frame_of_some(&mut self, frame: Frame, calls: &mut Calls) {
        match frame.kind {
            frames::DATA if frame.has(frames::PADDED) => self.forget(frame.stream),
            frames::DATA => {
                self.at_hand = Some((frame.stream, frame.has(frames::END_STREAM)));
                if frame.length == 0 {
                    self.data(&[], true, calls);
                }
            }
            frames::RST_STREAM => self.forget(frame.stream),
            _ => {}
        }
    }

    /// Bytes of that frame come; `whole` with its last ones.
    #[inline]
    pub(super) fn data(&mut self, bytes: &[u8], whole: bool, calls: &mut Calls) {
        if let Some((stream, ends)) = self.at_hand {
            self.data_of((stream, ends), bytes, whole, calls);
        }
    }

    fn data_of(
        &mut self,
        (stream, ends): (u32, bool),
        bytes: &[u8],
        whole: bool,
        calls: &mut Calls,
    ) {
        if whole {
            self.at_hand = None;
        }
        let Some(place) = self.open.iter().position(|(open, _)| *open == stream) else { return };
        let goes_on = self.open.get_mut(place).is_some_and(|(_, printing)| printing.add(bytes));
        if goes_on && !(whole && ends) {
            return;
        }
        let (_, printing) = self.open.swap_remove(place);
        if goes_on {
            printing.end(calls);
        }
    }

    /// Bytes of the client are missing.
    pub(super) fn gap(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, stream: u32) {
        self.open.retain(|(open, _)| *open != stream);
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames;
    use crate::inspect::feeder::{client, facts};

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// A header block of literals that are not indexed (RFC 7541 section 6.2.2).
    fn head(fields: &[(&str, &str)]) -> Vec<u8> {
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        fields
            .iter()
            .flat_map(|(name, value)| [vec![0], text(name), text(value)].concat())
            .collect()
    }

    fn call(stream: u32, path: &str, more: &[(&str, &str)], data: &[(u8, &[u8])]) -> Vec<u8> {
        let fields = [(":method", "POST"), (":scheme", "http"), (":path", path)];
        let typed =
            [("content-type", "application/grpc"), ("authorization", "Bearer s3cret-t0ken")];
        let block = head(&[&fields[..], &typed, more].concat());
        let mut bytes = frame(frames::HEADERS, frames::END_HEADERS, stream, &block);
        data.iter()
            .for_each(|(flags, data)| bytes.extend(frame(frames::DATA, *flags, stream, data)));
        bytes
    }

    fn prints(calls: &[Vec<u8>], cut: usize) -> Vec<(u64, bool)> {
        let start = [&frames::PREFACE[..], &frame(frames::SETTINGS, 0, 0, &[])].concat();
        let bytes = [start, calls.concat()].concat();
        let events: Vec<_> = bytes.chunks(cut).map(client).collect();
        let readable = facts("h2", &events).readable.unwrap();
        readable.requests.iter().map(|one| (one.hash, one.repeatable)).collect()
    }

    const END: u8 = frames::END_STREAM;

    /// Byte-exact after RFC 9113 and gRPC over HTTP/2. No sample was recorded yet.
    #[test]
    fn the_same_call_with_the_same_data_has_the_same_print_however_it_is_framed() {
        let pay = "/shop.Payments/Pay";
        let calls = [
            call(1, pay, &[], &[(0, b"\0\0\0\0\x04four and twenty more bytes"), (END, b"")]),
            call(3, pay, &[], &[(0, b"\0\0\0\0\x04"), (END, b"four and twenty more bytes")]),
            call(5, pay, &[], &[(END, b"\0\0\0\0\x04five and twenty more bytes")]),
        ];
        let all = prints(&calls, 1 << 16);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0], all[1]);
        assert_ne!(all[0], all[2]);
        assert_eq!(prints(&calls, 7), all);
    }

    #[test]
    fn calls_that_read_have_no_print_and_retries_say_so() {
        let data: &[(u8, &[u8])] = &[(END, b"\0\0\0\0\x04four and twenty more bytes")];
        assert_eq!(prints(&[call(1, "/shop.Payments/GetAll", &[], data)], 1 << 16), []);
        let retry = call(1, "/shop.Payments/Pay", &[("grpc-previous-rpc-attempts", "1")], data);
        let [(_, repeatable)] = prints(&[retry], 1 << 16)[..] else { panic!("one print") };
        assert!(repeatable);
    }

    #[test]
    fn streams_that_overlap_keep_their_own_prints_and_long_ones_have_none() {
        let pay = "/shop.Payments/Pay";
        let long = vec![b'x'; 16_000];
        let many: Vec<(u8, &[u8])> = vec![(0, &long); 5];
        let rest = frame(frames::DATA, END, 1, b"four and twenty more bytes");
        let calls = [
            call(1, pay, &[], &[(0, b"one")]),
            call(3, pay, &[], &[(END, b"onefour and twenty more bytes")]),
            rest,
        ];
        let all = prints(&calls, 1 << 16);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0], all[1]);
        assert_eq!(
            prints(&[call(1, pay, &[], &many), frame(frames::DATA, END, 1, b"")], 1 << 16),
            []
        );
    }
}
