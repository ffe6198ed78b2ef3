//! Any conversation as HTTP/1: nothing panics, and nothing is left over without bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint_fuzz::{Conversation, inspect_unframed};

fuzz_target!(|data: &[u8]| inspect_unframed("http/1.1", &Conversation::parse(data)));
