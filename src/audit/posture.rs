//! The verdict on one session: how private and authenticated it was, how that is known, and why.

use crate::model::{
    ClientAuth, ClientStep, Confidence, Inference, Posture, Seen, ServerStep, Session, TlsFacts,
    Why,
};

/// A session's posture and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The posture.
    pub posture: Posture,
    /// How it is known.
    pub evidence: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why, in a few words.
    pub why: &'static str,
    /// What the client did to authenticate itself.
    pub client_auth: Seen<ClientAuth>,
}

impl Verdict {
    fn new(posture: Posture, why: &'static str, client_auth: Seen<ClientAuth>) -> Self {
        Self { posture, evidence: "observed", confidence: Confidence::High, why, client_auth }
    }

    /// A verdict from what an inference says, as sure as that is.
    fn inferred(self, confidence: Confidence) -> Self {
        Self { evidence: "inferred", confidence, ..self }
    }
}

/// Judges a session by its facts.
#[must_use]
pub fn judge(session: &Session) -> Verdict {
    let facts = &session.facts;
    if let Some(tls) = &facts.tls {
        let verdict = judge_tls(tls, facts.mismatch.is_some());
        let read = verdict.evidence == "observed" && tls.decryption.decided;
        return if read { Verdict { evidence: "decrypted", ..verdict } } else { verdict };
    }
    if facts.calls.is_some() || facts.plaintext.is_some() {
        return Verdict::new(Posture::Plaintext, "readable requests without TLS", Seen::Absent);
    }
    let why = match (facts.first_bytes, session.start_seen) {
        (Some(_), true) => "the protocol is not recognised",
        (Some(_), false) => "the capture began after the connection did",
        (None, _) => "not enough of it was captured",
    };
    Verdict::new(Posture::Unknown, why, Seen::NotReached)
}

fn judge_tls(tls: &TlsFacts, mismatch: bool) -> Verdict {
    let client_auth = client_auth(tls);
    if mismatch {
        let why = "the answer to the ClientHello is not TLS";
        return Verdict::new(Posture::Unknown, why, client_auth);
    }
    if let (Seen::Hidden(Why::Encrypted), Some(inference)) =
        (&tls.certificate_request, &tls.inferred)
        && let Some(verdict) = judge_inferred(inference)
    {
        return verdict;
    }
    match tls.established {
        Seen::Value(false) => {
            let why = "the TLS handshake did not complete";
            return Verdict::new(Posture::Unknown, why, client_auth);
        }
        Seen::Value(true) => {}
        _ => return Verdict::new(Posture::TlsOpaque, opaque_why(tls), client_auth),
    }
    let server_presented = tls.server_chain.value().is_some_and(|chain| !chain.is_empty());
    match client_auth {
        Seen::Value(ClientAuth::Presented) if server_presented => {
            let why = "both ends presented certificates and the handshake completed";
            Verdict::new(Posture::Mtls, why, client_auth)
        }
        Seen::Value(ClientAuth::Presented) => {
            let why = "the client presented a certificate; the server's was not seen";
            Verdict::new(Posture::TlsOpaque, why, client_auth)
        }
        Seen::Value(ClientAuth::Declined) => {
            let why = "the server asked for a certificate and the client sent none";
            Verdict::new(Posture::Tls, why, client_auth)
        }
        Seen::Value(ClientAuth::NotRequested) => {
            Verdict::new(Posture::Tls, "the server did not ask for a certificate", client_auth)
        }
        _ => Verdict::new(Posture::TlsOpaque, opaque_why(tls), client_auth),
    }
}

/// The verdict that an inference carries, if it carries one. What a client did to authenticate itself is taken over at
/// high confidence only: below that two stories fit, and the session stays opaque. That a handshake was refused is
/// taken over at medium confidence too, because it claims less than anything else would.
fn judge_inferred(inference: &Inference) -> Option<Verdict> {
    let sure = inference.confidence == Confidence::High;
    let (auth, refused, served) = match inference.client {
        ClientStep::Refused if inference.confidence >= Confidence::Medium => {
            let why = "inferred: the client refused the server's handshake";
            let hidden = Seen::Hidden(Why::Encrypted);
            let verdict = Verdict::new(Posture::Unknown, why, hidden);
            return Some(verdict.inferred(inference.confidence));
        }
        ClientStep::Resumed => {
            let why = "a resumed session; the original handshake was not seen";
            return Some(Verdict::new(Posture::TlsOpaque, why, Seen::Hidden(Why::Resumed)));
        }
        ClientStep::NotRequested if sure => {
            let why = "inferred: the client finished without a certificate, so it was not asked";
            let verdict = Verdict::new(Posture::Tls, why, Seen::Value(ClientAuth::NotRequested));
            return Some(verdict.inferred(Confidence::High));
        }
        ClientStep::Declined if sure => (
            ClientAuth::Declined,
            "inferred: the client had no certificate, and the server refused it",
            (Posture::Tls, "inferred: the client was asked, sent none, and the server went on"),
        ),
        ClientStep::Presented if sure => (
            ClientAuth::Presented,
            "inferred: the client presented a certificate, and the server refused it",
            (Posture::Mtls, "inferred: the client presented a certificate, and the server went on"),
        ),
        _ => return None,
    };
    let auth = Seen::Value(auth);
    let (posture, why) = match (inference.server, inference.server_confidence) {
        (ServerStep::Refused, _) => (Posture::Unknown, refused),
        (ServerStep::WentOn, Confidence::High) => served,
        _ => {
            let why = "inferred: the client answered; whether the server accepted it was not seen";
            (Posture::TlsOpaque, why)
        }
    };
    Some(Verdict::new(posture, why, auth).inferred(inference.verdict_confidence()))
}

fn client_auth(tls: &TlsFacts) -> Seen<ClientAuth> {
    match (&tls.client_chain, &tls.certificate_request) {
        (Seen::Value(chain), _) if !chain.is_empty() => Seen::Value(ClientAuth::Presented),
        (Seen::Value(_), _) => Seen::Value(ClientAuth::Declined),
        (Seen::Absent, Seen::Value(_)) => Seen::Value(ClientAuth::Declined),
        // Only who has presented a certificate proves that it holds the key.
        (Seen::Hidden(_), _) if tls.client_verify.is_value() => Seen::Value(ClientAuth::Presented),
        (_, Seen::Absent) => Seen::Value(ClientAuth::NotRequested),
        (_, Seen::Hidden(why)) | (Seen::Hidden(why), _) => Seen::Hidden(*why),
        _ => Seen::NotReached,
    }
}

fn opaque_why(tls: &TlsFacts) -> &'static str {
    match (&tls.client_chain, &tls.certificate_request) {
        (Seen::Hidden(why), _) | (_, Seen::Hidden(why)) => match why {
            Why::Encrypted => "TLS 1.3 encrypts the certificates",
            Why::Resumed => "a resumed session; the original handshake was not seen",
            Why::MidStream => "the capture began after the handshake",
            Why::Gap => "part of the handshake is missing from the capture",
            Why::OneSided => "only one direction was captured",
            _ => "part of the handshake could not be read",
        },
        _ => "part of the handshake was not seen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CertificateRequest, Der};

    fn chain() -> Seen<Vec<Der>> {
        Seen::Value(vec![Der([1u8, 2].as_slice().into())])
    }

    fn established() -> TlsFacts {
        TlsFacts {
            established: Seen::Value(true),
            server_chain: chain(),
            certificate_request: Seen::Absent,
            client_chain: Seen::Absent,
            ..TlsFacts::default()
        }
    }

    fn posture(tls: &TlsFacts) -> Posture {
        judge_tls(tls, false).posture
    }

    #[test]
    fn both_certificates_and_a_completed_handshake_are_mutual() {
        let request = Seen::Value(CertificateRequest::default());
        let mutual =
            TlsFacts { client_chain: chain(), certificate_request: request, ..established() };
        assert_eq!(posture(&mutual), Posture::Mtls);
        let failed = TlsFacts { established: Seen::Value(false), ..mutual };
        assert_eq!(posture(&failed), Posture::Unknown);
    }

    #[test]
    fn a_request_alone_is_not_mutual() {
        let request = Seen::Value(CertificateRequest::default());
        let declined = TlsFacts {
            client_chain: Seen::Value(vec![]),
            certificate_request: request,
            ..established()
        };
        assert_eq!(judge_tls(&declined, false).client_auth, Seen::Value(ClientAuth::Declined));
        assert_eq!(posture(&declined), Posture::Tls);
    }

    #[test]
    fn what_is_hidden_is_opaque_and_never_one_way() {
        for why in [Why::Encrypted, Why::Resumed, Why::Gap, Why::MidStream] {
            let hidden = TlsFacts {
                client_chain: Seen::Hidden(why),
                certificate_request: Seen::Hidden(why),
                ..established()
            };
            assert_eq!(posture(&hidden), Posture::TlsOpaque, "{why:?}");
        }
    }
}
