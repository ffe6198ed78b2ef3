//! Sequences are written as one would note them: `>53` is a record of the client, `<501` one of the server, `>FIN` and
//! `<FIN` ends of the connection, `>AL` an alert in clear.

use super::*;
use crate::model::Direction;

/// A suite with SHA-256 and one with SHA-384.
const AES_128: u16 = 0x1301;
const AES_256: u16 = 0x1302;

fn sequence(suite: u16, text: &str) -> Sequence {
    let mut sequence = Sequence { suite, ..Sequence::default() };
    sequence.whole = PerDirection { to_server: true, to_client: true };
    for (at, word) in text.split_whitespace().enumerate() {
        let way = match word.split_at(1).0 {
            ">" => Direction::ToServer,
            _ => Direction::ToClient,
        };
        let frame = FrameNo(at as u64 + 10);
        match &word[1..] {
            "FIN" => sequence.closed[way] = Some(frame),
            "AL" => sequence.clear_alert = true,
            length => {
                let order = u16::try_from(at).unwrap();
                sequence.records[way].lengths.push(length.parse().unwrap());
                sequence.records[way].places.push(Place { order, frame });
            }
        }
    }
    sequence
}

fn told(suite: u16, text: &str) -> (ClientStep, Confidence, ServerStep) {
    told_of(&sequence(suite, text))
}

fn told_of(sequence: &Sequence) -> (ClientStep, Confidence, ServerStep) {
    let inference = infer(sequence).inference;
    (inference.client, inference.confidence, inference.server)
}

use ClientStep::{Declined, NotRequested, Presented, Refused, Resumed, Unknown};
use Confidence::{High, Low, Medium};

/// The server's part without and with a CertificateRequest, each message in a record of its own.
const ONE_WAY: &str = "<23 <501 <97 <69";
const ASKING: &str = "<23 <115 <501 <97 <69";

#[test]
fn layouts_of_real_stacks_are_told() {
    use ServerStep::WentOn;
    for (stack, suite, records, client) in [
        ("openssl", AES_256, "<23 <501 <97 <69 >69 <250 >52 <4578", NotRequested),
        ("openssl", AES_256, "<23 <115 <501 <97 <69 >25 >69 <250 >52", Declined),
        ("openssl", AES_256, "<23 <115 <501 <97 <69 >533 >95 >69 <762", Presented),
        ("go", AES_128, "<27 <501 <97 <53 <122 >53 >52 <171", NotRequested),
        ("go", AES_128, "<27 <70 <501 <97 <53 >25 >53 <122", Declined),
        ("rustls", AES_256, "<642 >69 <195 >52", NotRequested),
        ("rustls", AES_256, "<726 >77 <195 >52", Declined),
        ("rustls", AES_256, "<726 >697 <195 >52", Presented),
        ("nss", AES_128, "<726 >61 <195 >52", Declined),
        ("nss", AES_128, "<726 >664 <195 >52 <357", Presented),
        ("jsse", AES_256, "<39 <517 <113 <85 >85 <1255 >68", NotRequested),
        ("jsse", AES_256, "<39 <131 <517 <113 <85 >41 >85 <1255", Declined),
        ("jsse", AES_256, "<39 <131 <517 <113 <85 >549 >111 >85 <1255", Presented),
        ("jsse engine", AES_256, "<658 >93 <1255 >68", Declined),
        ("jsse engine", AES_256, "<658 >713 <1255 >68", Presented),
        ("mbedtls", AES_256, "<32 <512 <112 <80 >80 <240 >64", NotRequested),
        ("mbedtls", AES_256, "<32 <64 <512 <112 <80 >32 >80 <240", Declined),
        ("mbedtls", AES_256, "<32 <64 <512 <112 <80 >544 >96 >80 <240", Presented),
    ] {
        assert_eq!(told(suite, records), (client, High, WentOn), "{stack}: {records}");
    }
}

#[test]
fn a_compressed_empty_certificate_is_likely() {
    let records = "<726 >41 >69 <195 >52";
    assert_eq!(told(AES_256, records), (Declined, Medium, ServerStep::WentOn));
    let mut sequence = sequence(AES_256, records);
    sequence.offer.application_settings = true;
    assert_eq!(told_of(&sequence).0, Unknown);
}

#[test]
fn a_client_that_gives_up_is_told_from_one_that_finishes() {
    let alert = format!("{ONE_WAY} >19 >FIN <FIN");
    assert_eq!(told(AES_256, &alert), (Refused, High, ServerStep::Unknown));
    let silent = format!("{ONE_WAY} >FIN <FIN");
    assert_eq!(told(AES_256, &silent), (Refused, Medium, ServerStep::Unknown));
    let clear = format!("{ONE_WAY} >AL >FIN");
    assert_eq!(told(AES_256, &clear), (Refused, High, ServerStep::Unknown));
    let server_left = format!("{ONE_WAY} <FIN >FIN");
    assert_eq!(told(AES_256, &server_left).0, Unknown);
    let nothing_to_refuse = "<40 >FIN <FIN";
    assert_eq!(told(AES_256, nothing_to_refuse).0, Unknown);
}

#[test]
fn a_server_that_leaves_after_the_answer_refused_it() {
    for records in ["<23 <115 <501 <97 <69 >25 >69 <19 <FIN >FIN", "<726 >697 >52 <FIN"] {
        let conclusion = infer(&sequence(AES_256, records));
        assert_eq!(conclusion.inference.verdict(), "server-refused-client", "{records}");
        assert_eq!(conclusion.inference.verdict_confidence(), Medium);
    }
    let left = format!("{ASKING} >25 >69 >19 >FIN <19 <FIN");
    assert_eq!(told(AES_256, &left), (Declined, High, ServerStep::Unknown));
    let not_asked = format!("{ONE_WAY} >69 <FIN >FIN");
    assert_eq!(told(AES_256, &not_asked), (NotRequested, High, ServerStep::Closed));
}

#[test]
fn a_server_that_speaks_early_may_not_have_seen_the_answer() {
    let early = "<23 <115 <501 <97 <69 <4000 >25 >69 <4000";
    let inference = infer(&sequence(AES_256, early)).inference;
    assert_eq!((inference.server, inference.server_confidence), (ServerStep::WentOn, Medium));
    let answered = format!("{early} >52 <800");
    let inference = infer(&sequence(AES_256, &answered)).inference;
    assert_eq!((inference.server, inference.server_confidence), (ServerStep::WentOn, High));
}

#[test]
fn contradicting_sides_tell_nothing() {
    assert_eq!(told(AES_256, "<23 <115 <501 <97 <69 >69 <250 >52").0, Unknown);
    assert_eq!(told(AES_256, "<23 <501 <97 <69 >25 >69 <250 >52").0, Unknown);
}

#[test]
fn the_hash_of_the_suite_decides_between_equal_lengths() {
    // 69 is Finished with SHA-384, and with SHA-256 what Java makes of it.
    assert_eq!(told(AES_256, "<642 >69 <195").0, NotRequested);
    assert_eq!(told(AES_128, "<642 >77 <195").0, Declined);
    assert_eq!(told(0x1305, "<642 >45 <195").0, NotRequested);
    assert_eq!(told(0x13ff, "<642 >69 <195").0, Unknown);
}

#[test]
fn a_resumed_session_says_nothing_of_certificates() {
    let mut sequence = sequence(AES_256, "<27 <69 >69 <82 >52 <400");
    sequence.psk = true;
    assert_eq!(told_of(&sequence), (Resumed, High, ServerStep::WentOn));
    sequence.offer.certificate_with_psk = true;
    assert_eq!(told_of(&sequence).0, Unknown);
}

#[test]
fn refused_early_data_is_never_told_for_sure() {
    let mut early = sequence(AES_256, ">40 <23 <501 <97 >400 <69 >69 <82 >52");
    early.offer.early_data = true;
    assert_eq!(told_of(&early), (NotRequested, Medium, ServerStep::WentOn));
    // Behind a HelloRetryRequest no early data may come any more.
    let mut retry = sequence(AES_256, "<23 <501 <97 <69 >69 <82 >52");
    retry.offer.early_data = true;
    retry.retry = true;
    assert_eq!(told_of(&retry), (NotRequested, High, ServerStep::WentOn));
}

#[test]
fn missing_bytes_of_the_client_make_no_refusal() {
    let mut cut = sequence(AES_256, "<23 <501 <97 <69 >FIN");
    cut.whole.to_server = false;
    assert_eq!(told_of(&cut).0, Unknown);
    let mut alert = sequence(AES_256, "<23 <501 <97 <69 >19 >FIN");
    alert.whole.to_server = false;
    assert_eq!(told_of(&alert).0, Unknown);
    let mut answered = sequence(AES_256, "<23 <115 <501 <97 <69 >25 >69 <FIN");
    answered.whole.to_client = false;
    assert_eq!(told_of(&answered), (Declined, High, ServerStep::Unknown));
}

#[test]
fn raw_keys_are_taken_for_certificates_where_they_were_offered() {
    let mut sequence = sequence(AES_256, "<27 <60 <74 <97 <69 >121 >96 >69 <250 >52");
    assert_eq!(told_of(&sequence).0, Unknown);
    sequence.offer.raw_keys = true;
    assert_eq!(told_of(&sequence), (Presented, High, ServerStep::WentOn));
}

#[test]
fn a_certificate_that_may_have_come_later_leaves_it_open() {
    let mut sequence = sequence(AES_256, "<23 <501 <97 <69 >69 <250 >52 <80 >533 >96 >69 <300");
    assert_eq!(told_of(&sequence).0, NotRequested);
    sequence.offer.post_handshake_auth = true;
    assert_eq!(told_of(&sequence).0, Unknown);
}

#[test]
fn a_request_that_may_have_been_declined_later_makes_it_less_sure() {
    let mut sequence =
        sequence(AES_256, "<23 <501 <96 <69 >69 <250 >52 <250 <94 <37 >57 >69 <19 >52");
    let sure = |sequence: &Sequence| (told_of(sequence).0, told_of(sequence).1);
    assert_eq!(sure(&sequence), (NotRequested, High));
    sequence.offer.post_handshake_auth = true;
    assert_eq!(sure(&sequence), (NotRequested, Medium));
}

#[test]
fn long_chains_in_fragments_are_told() {
    let records = "<27 <529 <529 <529 <200 <281 <53 >529 >529 >529 >400 >281 >53 <300";
    assert_eq!(told(AES_128, records).0, Unknown, "the server's fragments say it did not ask");
    let records = "<27 <50 <529 <529 <200 <281 <53 >529 >529 >529 >400 >281 >53 <300";
    assert_eq!(told(AES_128, records), (Presented, High, ServerStep::WentOn));
}

#[test]
fn what_a_sender_pads_on_purpose_is_told_with_little_confidence_or_not_at_all() {
    let coarse = "<272 <528 <272 <272 >272 <272 >272";
    assert_eq!(told(AES_256, coarse).1, Low);
    assert_eq!(told(AES_256, "<1040 >528 <528 >528").0, Unknown);
}

/// Numbers from a fixed seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Contents of one side's handshake, one number a message, as records: one each, all in one, or the last two in one.
fn lay_out(messages: &[usize], layout: usize) -> Vec<usize> {
    match layout {
        0 => messages.to_vec(),
        1 => vec![messages.iter().sum()],
        _ => {
            let (last, rest) = messages.split_last().unwrap();
            let (before, rest) = rest.split_last().unwrap_or((&0, &[]));
            rest.iter().copied().chain([before + last]).collect()
        }
    }
}

#[test]
fn whatever_the_layout_and_padding_nothing_wrong_is_told_for_sure() {
    let mut dice = Dice(7);
    let paddings = [
        Padding::Bare,
        Padding::Sixteen,
        Padding::Multiple(16),
        Padding::Multiple(32),
        Padding::Multiple(64),
        Padding::Multiple(128),
        Padding::Multiple(256),
        Padding::Multiple(512),
        Padding::Multiple(1024),
    ];
    let (mut sure, mut all) = (0, 0);
    for round in 0..30_000 {
        let (suite, hash) = if round % 2 == 0 { (AES_128, 32) } else { (AES_256, 48) };
        let truth = [NotRequested, Declined, Presented][round % 3];
        let model = |padding| Model::new(padding, 16, hash);
        let (client, server) = (model(paddings[dice.below(9)]), model(paddings[dice.below(9)]));
        let verify = [72, 78, 79, 80, 110, 264, 392, 520][dice.below(8)];
        let certificate = 260 + dice.below(3000);
        let mut asks = vec![6 + dice.below(30)];
        if truth != NotRequested {
            asks.push(27 + dice.below(120));
        }
        asks.extend([300 + dice.below(3000), verify, 4 + hash]);
        let answer = match truth {
            NotRequested => vec![4 + hash],
            Declined => vec![8, 4 + hash],
            _ => vec![certificate, verify, 4 + hash],
        };
        let mut text = String::new();
        let mut send = |who: char, contents: &[usize], model: &Model| {
            for content in contents {
                text.push_str(&format!(" {who}{}", model.record(*content)));
            }
        };
        send('<', &lay_out(&asks, dice.below(2)), &server);
        send('>', &lay_out(&answer, dice.below(3)), &client);
        send('<', &[100 + dice.below(900)], &server);
        // Some pad the handshake only.
        let data = if dice.below(4) == 0 { model(Padding::Bare) } else { client };
        send('>', &[20 + dice.below(2000)], &data);
        send('<', &[20 + dice.below(9000)], &server);
        let (client, confidence, _) = told(suite, &text);
        if confidence == High {
            assert_eq!(client, truth, "{text}");
            sure += 1;
        }
        all += 1;
    }
    assert!(sure * 5 > all, "told for sure: {sure} of {all}");
}
