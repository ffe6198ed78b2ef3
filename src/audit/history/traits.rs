//! What a server is known by besides its certificate.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use crate::model::{ClientHello, EndTraits, ServerHello, Session, TlsFacts, limits};

/// The same digests in every run, so that outcomes do not differ.
const DIGESTS: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0);

/// Notes what a session tells of its server's end.
pub(super) fn note(end: &mut EndTraits, session: &Session, tls: &TlsFacts) {
    if end.hops == 0 {
        end.hops = session.hops.to_client;
    }
    let (Some(hello), Some(answer)) = (tls.client_hello.value(), tls.server_hello.value()) else {
        return;
    };
    // A hello of which a part is missing is not the same as another one.
    if hello.malformed || hello.cut || answer.malformed || end.answers.len() >= limits::END_ANSWERS
    {
        return;
    }
    let (asked, answered) = (of_client(hello), of_server(answer));
    if end.answers.iter().all(|(known, _)| *known != asked) {
        end.answers.push((asked, answered));
    }
}

/// What a client's program decides of its hello: all that JA3 covers, and versions, key shares and protocols, which
/// decide the answer as well.
fn of_client(hello: &ClientHello) -> u64 {
    let mut digest = DIGESTS.build_hasher();
    (hello.legacy_version, &hello.versions, &hello.suites, &hello.extensions).hash(&mut digest);
    (&hello.groups, &hello.point_formats, &hello.key_shares, &hello.alpn).hash(&mut digest);
    (&hello.signature_schemes, hello.psk, hello.ticket, hello.session_id.len()).hash(&mut digest);
    digest.finish()
}

/// What JA3S covers, and the group.
fn of_server(hello: &ServerHello) -> u64 {
    let mut digest = DIGESTS.build_hasher();
    (hello.legacy_version, hello.version, hello.suite, hello.group).hash(&mut digest);
    hello.extensions.hash(&mut digest);
    digest.finish()
}
