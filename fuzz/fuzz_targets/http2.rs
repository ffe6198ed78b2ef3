//! Any conversation as HTTP/2: nothing panics, nothing is left over without bound, and the facts do not depend on how the
//! bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint_fuzz::{Conversation, inspect};

fuzz_target!(|data: &[u8]| inspect("h2", &Conversation::parse(data)));
