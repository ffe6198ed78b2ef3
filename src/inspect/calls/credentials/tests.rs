use base64::Engine as _;

use super::super::jwt::tests::token;
use super::super::parameters::Place;
use super::*;

const AT: Moment =
    Moment { time: crate::model::Timestamp::from_seconds(9), frame: crate::model::FrameNo(3) };

fn seen(fields: &[(CredentialField, &str)]) -> ReadableFacts {
    let mut all = Sightings::default();
    for (field, value) in fields {
        let used = all.field(*field, value.as_bytes());
        all.used(used, AT);
    }
    all.into_facts()
}

fn one(field: CredentialField, value: &str) -> Credential {
    let mut facts = seen(&[(field, value)]);
    assert_eq!(facts.credentials.len(), 1, "{value}");
    facts.credentials.remove(0)
}

fn encode(text: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn target(url: &str) -> Vec<(String, u32)> {
    let mut all = Sightings::default();
    let used = all.target(url.as_bytes(), Place::Target);
    all.used(used, AT);
    let credentials = all.into_facts().credentials;
    credentials.into_iter().map(|c| (c.place, c.secret.length())).collect()
}

#[test]
fn basic_names_its_user_and_keeps_the_password_to_itself() {
    let basic =
        one(CredentialField::Authorization, &format!("Basic {}", encode(b"orders:s3cr:et")));
    assert_eq!((basic.kind, basic.mechanism), (CredentialKind::Password, "http basic"));
    assert_eq!(basic.principal.as_deref(), Some("orders"));
    assert_eq!(basic.secret, Secret::of(b"s3cr:et"));
    assert!(!basic.default && basic.exposure == Exposure::Readable);
    let shipped = one(CredentialField::Authorization, &format!("basic {}", encode(b"guest:guest")));
    assert!(shipped.default);
}

#[test]
fn a_bearer_token_is_opaque_or_says_who_it_is() {
    let opaque = one(CredentialField::Authorization, "Bearer abcdefgh");
    assert_eq!((opaque.kind, opaque.principal), (CredentialKind::Token, None));
    let text = token(r#"{"alg":"RS256"}"#, r#"{"sub":"orders","exp":1700000000}"#);
    let facts = seen(&[(CredentialField::Authorization, &format!("Bearer {text}"))]);
    let jwt = &facts.credentials[0];
    assert_eq!((jwt.kind, jwt.principal.as_deref()), (CredentialKind::Jwt, Some("orders")));
    assert_eq!(jwt.secret, Secret::of(text.as_bytes()));
    assert!(facts.token_of(jwt).unwrap().expires.is_some());
}

#[test]
fn answers_to_challenges_are_told_by_what_a_listener_can_do() {
    let digest = "Digest username=\"ada\", realm=\"x\", response=\"0123\", nc=1";
    let digest = one(CredentialField::Authorization, digest);
    assert_eq!((digest.mechanism, digest.exposure), ("http digest md5", Exposure::Crackable));
    assert_eq!(digest.principal.as_deref(), Some("ada"));
    let aws = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/2026/eu/s3/aws4_request, Signature=00";
    let aws = one(CredentialField::Authorization, aws);
    assert_eq!((aws.kind, aws.exposure), (CredentialKind::Signature, Exposure::Safe));
    assert_eq!(aws.principal.as_deref(), Some("AKIDEXAMPLE"));
    let ntlm = |kind: u8| {
        format!("NTLM {}", encode(&[b"NTLMSSP\0".as_slice(), &[kind, 0, 0, 0]].concat()))
    };
    assert!(seen(&[(CredentialField::Authorization, &ntlm(1))]).credentials.is_empty());
    assert_eq!(one(CredentialField::Authorization, &ntlm(3)).exposure, Exposure::Crackable);
}

#[test]
fn what_is_made_anew_for_each_request_is_one_credential() {
    let answer = |n: u8| format!("Digest username=\"ada\", response=\"{n}\"");
    let (first, second) = (answer(1), answer(2));
    let field = CredentialField::Authorization;
    let facts = seen(&[
        (field, &first),
        (field, &second),
        (field, "Bearer aaaaaaaa"),
        (field, "Bearer bbbbbbbb"),
    ]);
    let counts: Vec<_> = facts.credentials.iter().map(|c| (c.mechanism, c.count)).collect();
    assert_eq!(counts, [("http digest md5", 2), ("http bearer", 1), ("http bearer", 1)]);
}

#[test]
fn the_same_value_again_is_counted_and_not_read() {
    let mut all = Sightings::default();
    for _ in 0..5 {
        let used = all.field(CredentialField::XApiKey, b"k3y");
        all.used(used, AT);
        all.judged(used, false, AT);
    }
    let used = all.field(CredentialField::XApiKey, b"k3y");
    all.judged(used, true, AT);
    assert_eq!(all.seen.len(), 1);
    let key = &all.into_facts().credentials[0];
    assert_eq!((key.count, key.accepted, key.first), (5, Some(true), AT));
}

#[test]
fn the_token_of_zrpc_belongs_to_the_app_that_is_named_beside_it() {
    let mut all = Sightings::default();
    let used = all.field(CredentialField::Token, b"6jKNZbEpYGeUMAifz10gOnmoty3TV");
    all.app(b"orders");
    all.used(used, AT);
    let credential = &all.into_facts().credentials[0];
    assert_eq!(
        (credential.mechanism, credential.principal.as_deref()),
        ("zrpc token", Some("orders"))
    );
}

#[test]
fn secrets_in_a_url_are_found_by_the_names_of_parameters() {
    let at = |place: &str, length| vec![(place.to_owned(), length)];
    assert_eq!(target("/a?x=1&access_token=abcdefgh#f"), at("query access_token", 8));
    assert_eq!(target("/nacos/v1/ns?accessToken=abc%2Bdefg"), at("query accesstoken", 8));
    assert_eq!(target("/login?password=pw"), at("query password", 2));
    assert_eq!(target("http://ada:hunter2@host/x"), at("url userinfo", 7));
    for plain in
        ["/a?token=17", "/a?pageToken=abcdefgh", "/a?password=", "/a", "/a?", "*", "host:443"]
    {
        assert!(target(plain).is_empty(), "{plain}");
    }
}

#[test]
fn session_cookies_are_told_from_others() {
    let facts = seen(&[(
        CredentialField::Cookie,
        "theme=dark12345; JSESSIONID=0123456789; csrftoken=0123456789",
    )]);
    let places: Vec<_> = facts.credentials.iter().map(|c| c.place.as_str()).collect();
    assert_eq!(places, ["cookie JSESSIONID"]);
    let mut all = Sightings::default();
    all.set_cookie(b"sid=0123456789; Path=/; httponly; SameSite=Lax", AT);
    all.set_cookie(b"lang=en-GB-oxendict", AT);
    let cookies = all.into_facts().cookies;
    assert_eq!(cookies.len(), 1);
    assert!(!cookies[0].secure && cookies[0].http_only && cookies[0].same_site);
}

#[test]
fn the_number_of_credentials_of_a_connection_is_bounded() {
    let mut all = Sightings::default();
    for n in 0..1000 {
        let used = all.field(CredentialField::XApiKey, format!("key-{n}").as_bytes());
        assert!(used.any(), "that there was one is known all the same");
        all.used(used, AT);
    }
    assert!(all.seen.len() <= limits::CREDENTIAL_VALUES);
    let facts = all.into_facts();
    assert_eq!((facts.credentials.len(), facts.cut), (limits::CREDENTIALS, true));
}

#[test]
fn anything_whatever_is_survived() {
    let hostile = [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Digest =,=\"",
        "Negotiate ////",
        "Bearer eyJ.eyJ.",
        "key=;signature=",
    ];
    let fields = [
        CredentialField::Authorization,
        CredentialField::ContentSecurity,
        CredentialField::Cookie,
        CredentialField::Token,
    ];
    for value in hostile {
        fields.iter().for_each(|field| drop(seen(&[(*field, value)])));
        target(value);
        target(&format!("?token={value}%%%2&password=%zz"));
    }
}
