//! The forms in which a secret could be in an output although nobody wrote it there as it is.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter forms are anywhere in a binary file by chance.
const SHORTEST: usize = 5;

/// Every form of a secret that gives it away, with a name for it.
pub(crate) fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("it is", bytes.to_vec()),
        ("hexadecimal", hex.clone().into_bytes()),
        ("hexadecimal in capitals", hex.to_uppercase().into_bytes()),
        ("URL encoding", url_encoded(bytes, |byte| byte.is_ascii_alphanumeric()).into_bytes()),
        ("URL encoding of everything", url_encoded(bytes, |_| false).into_bytes()),
        ("JSON", serde_json::to_string(secret).unwrap().trim_matches('"').as_bytes().to_vec()),
    ];
    // A token's signature is what makes it one.
    if let Some((_, signature)) = secret.rsplit_once('.').filter(|_| secret.starts_with("eyJ")) {
        forms.push(("its signature", signature.as_bytes().to_vec()));
    }
    for shift in 0..3 {
        forms.push(("base64", shifted(&STANDARD_NO_PAD, bytes, shift)));
        forms.push(("base64 for URLs", shifted(&URL_SAFE_NO_PAD, bytes, shift)));
    }
    forms.retain(|(_, form)| form.len() >= SHORTEST);
    forms
}

/// The part of the encoding that does not depend on what stands before and behind the secret, where `shift` bytes stand
/// before it.
fn shifted(engine: &impl Engine, bytes: &[u8], shift: usize) -> Vec<u8> {
    let encoded = engine.encode([vec![0; shift].as_slice(), bytes].concat());
    let first = (shift * 8).div_ceil(6);
    let last = (shift + bytes.len()) * 8 / 6;
    encoded.as_bytes()[first..last.max(first)].to_vec()
}

fn url_encoded(bytes: &[u8], plain: impl Fn(u8) -> bool) -> String {
    let one = |byte: &u8| match plain(*byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}
