use super::*;
use crate::model::fixture::{moment, session};
use Posture::{Mtls, Plaintext, Tls, TlsOpaque};

/// A session of one edge that began at this moment, from a port of its own.
fn begun((posture, at): (Posture, u64)) -> AuditedSession {
    let mut audited = session(at, posture);
    audited.session.first = moment(at);
    audited.session.client.port = 40_000 + u16::try_from(at).unwrap();
    audited
}

/// What sessions come to that ended in this order: those without a certificate, the readable ones, and the two samples by
/// the ports of their clients.
fn descend(ended: &[(Posture, u64)]) -> (u64, u64, [Option<u16>; 2]) {
    let (mut descent, mut weaker) = (Descent::default(), Weaker::default());
    ended.iter().for_each(|one| note_descent(&mut descent, &mut weaker, &begun(*one)));
    told(&descent)
}

fn told(descent: &Descent) -> (u64, u64, [Option<u16>; 2]) {
    let ports = descent.samples.map(|sample| sample.map(|(_, client, _)| client.port - 40_000));
    (descent.without_certificate, descent.readable, ports)
}

#[test]
fn a_descent_is_what_began_after_the_last_mutual_session() {
    let all = [(Tls, 1), (Mtls, 5), (Tls, 3), (TlsOpaque, 6), (Tls, 7), (Plaintext, 8), (Mtls, 9)];
    let told: Vec<_> = (1..=all.len()).map(|ended| descend(&all[..ended])).collect();
    let first_five = (0, 0, [Some(5), None]);
    let expected = [
        (0, 0, [Some(1), None]),
        first_five,
        first_five,
        first_five,
        (1, 0, [Some(5), Some(7)]),
        (2, 1, [Some(5), Some(7)]),
        (0, 0, [Some(9), None]),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_descent_is_the_same_in_whatever_order_sessions_end() {
    let begun = [(Plaintext, 1), (Mtls, 2), (Tls, 3), (TlsOpaque, 4), (Plaintext, 5)];
    let mut orders = vec![Vec::new()];
    for _ in begun {
        let longer = orders.iter().flat_map(|order: &Vec<_>| {
            let left = begun.iter().filter(|one| !order.contains(*one));
            left.map(|one| [order, &[*one][..]].concat())
        });
        orders = longer.collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        assert_eq!(descend(&order), (2, 1, [Some(2), Some(3)]), "{order:?}");
    }
}

#[test]
fn a_mutual_session_that_outlasts_many_others_is_counted_against_all_of_them() {
    let others: Vec<_> = (2..=11).map(|at| (Plaintext, at)).collect();
    let expected = (10, 10, [Some(1), Some(2)]);
    assert_eq!(descend(&[&others[..], &[(Mtls, 1)]].concat()), expected);
    assert_eq!(descend(&[&[(Mtls, 1)], &others[..]].concat()), expected);
    // One that began among them is counted against those that are remembered, and one more.
    assert_eq!(descend(&[&others[..], &[(Mtls, 4)]].concat()).0, 5);
    assert_eq!(descend(&[&others[..], &[(Mtls, 20)]].concat()).0, 0);
}

#[test]
fn what_turns_out_to_be_more_than_it_seemed_counts_no_longer() {
    let (mut descent, mut weaker) = (Descent::default(), Weaker::default());
    for one in [(Mtls, 1), (Plaintext, 2), (Plaintext, 3)] {
        note_descent(&mut descent, &mut weaker, &begun(one));
    }
    assert_eq!(told(&descent), (2, 2, [Some(1), Some(2)]));
    let amend = |descent: &mut _, weaker: &mut _, from, to, at| {
        amend_descent(descent, weaker, [&begun((from, at)), &begun((to, at))]);
    };
    amend(&mut descent, &mut weaker, Plaintext, TlsOpaque, 2);
    assert_eq!(told(&descent), (1, 1, [Some(1), Some(3)]));
    amend(&mut descent, &mut weaker, Plaintext, Tls, 3);
    assert_eq!(told(&descent), (1, 0, [Some(1), Some(3)]));
}
