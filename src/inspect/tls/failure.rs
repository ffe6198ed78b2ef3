//! Why a handshake did not complete: candidates, because one alert means different things from different libraries.

use crate::model::{Alert, ClientStep, Direction, EndState, TlsFacts};

/// What may have kept the handshake from completing, most likely first. Never empty.
pub(crate) fn reasons(tls: &TlsFacts, end: EndState) -> Vec<&'static str> {
    let fatal = |alert: &&Alert| alert.level == FATAL || alert.description != CLOSE_NOTIFY;
    match tls.alerts.iter().find(fatal) {
        Some(alert) => of_alert(alert, tls),
        None => of_silence(tls, end),
    }
}

pub(super) const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;

const CLIENT_REJECTED: &str = "client rejected the server certificate";
const SERVER_REJECTED: &str = "server rejected the client certificate";
const SERVER_DEMANDS: &str = "server requires a client certificate";
const NO_VERSION: &str = "no common version";
const NO_SUITE: &str = "no common cipher suite, group or signature scheme";
const BROKEN: &str = "one side broke the protocol";

fn of_alert(alert: &Alert, tls: &TlsFacts) -> Vec<&'static str> {
    let from_client = alert.direction == Direction::ToServer;
    // Once the server has asked for a certificate, libraries report its absence with several codes.
    let asked = tls.certificate_request.is_value();
    match alert.description {
        41..=46 | 48 | 49 if from_client => vec![CLIENT_REJECTED],
        41..=46 | 48 | 49 => vec![SERVER_REJECTED, SERVER_DEMANDS],
        116 => vec![SERVER_DEMANDS],
        40 if from_client => vec![NO_SUITE, CLIENT_REJECTED],
        40 if asked => vec![SERVER_DEMANDS, NO_SUITE],
        40 | 71 => vec![NO_SUITE, SERVER_DEMANDS],
        70 => vec![NO_VERSION],
        86 => vec!["client fell back to a lower version than the server has"],
        112 => vec!["server does not know the name that was asked for"],
        113 | 114 => vec!["client rejected the revocation status of the server certificate"],
        115 => vec!["server does not know the pre-shared key"],
        120 => vec!["no common application protocol"],
        47 | 10 | 50 | 109 | 110 => vec![BROKEN, NO_VERSION],
        20 | 21 | 51 => vec!["keys or signatures did not match", BROKEN],
        80 => vec!["one side failed internally"],
        90 | CLOSE_NOTIFY => vec!["one side gave up"],
        _ => vec![BROKEN],
    }
}

fn of_silence(tls: &TlsFacts, end: EndState) -> Vec<&'static str> {
    match tls.inferred {
        Some(inferred) if inferred.server_refused() => {
            let declined = inferred.client == ClientStep::Declined;
            return vec![if declined { SERVER_DEMANDS } else { SERVER_REJECTED }];
        }
        Some(inferred) if inferred.client == ClientStep::Refused => {
            return vec![CLIENT_REJECTED, "one side gave up without an alert"];
        }
        _ => {}
    }
    let answered = tls.server_hello.is_value() || tls.hello_retry.is_some();
    match (answered, end) {
        (false, EndState::Rst) => vec!["connection was reset before the server answered"],
        (false, EndState::Fin) => vec!["connection was closed before the server answered"],
        (false, _) => vec!["server did not answer"],
        (true, EndState::Rst | EndState::Fin) => {
            vec![CLIENT_REJECTED, SERVER_REJECTED, "one side gave up without an alert"]
        }
        (true, _) => vec!["the handshake fell silent"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Moment, Seen, ServerHello};

    fn alert(direction: Direction, description: u8) -> TlsFacts {
        let alerts = vec![Alert { direction, level: 2, description, at: Moment::default() }];
        TlsFacts { alerts, ..TlsFacts::default() }
    }

    #[test]
    fn one_alert_from_the_server_has_several_possible_reasons() {
        let found = reasons(&alert(Direction::ToClient, 42), EndState::Fin);
        assert_eq!(found, [SERVER_REJECTED, SERVER_DEMANDS]);
    }

    #[test]
    fn the_same_alert_means_something_else_from_the_other_side() {
        let found = reasons(&alert(Direction::ToServer, 42), EndState::Fin);
        assert_eq!(found, [CLIENT_REJECTED]);
    }

    #[test]
    fn silence_is_told_by_how_far_the_handshake_came() {
        let silent = TlsFacts::default();
        assert_eq!(reasons(&silent, EndState::Timeout), ["server did not answer"]);
        let answered = TlsFacts {
            server_hello: Seen::Value(Box::new(ServerHello::default())),
            ..TlsFacts::default()
        };
        assert_eq!(reasons(&answered, EndState::Fin).first(), Some(&CLIENT_REJECTED));
    }

    #[test]
    fn there_is_always_a_reason() {
        for description in 0..=u8::MAX {
            for direction in Direction::BOTH {
                assert!(!reasons(&alert(direction, description), EndState::Fin).is_empty());
            }
        }
    }
}
