//! Any key log: it is read the same twice. Any contents in records that its keys seal, behind the hellos of a recorded
//! session: nothing panics, nothing is left over without bound, and the facts do not depend on how the bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelint_fuzz::keyed::{log_twice, sealed};

fuzz_target!(|data: &[u8]| match data.split_first() {
    Some((0, log)) => log_twice(log),
    Some((_, script)) => sealed(script),
    None => {}
});
