//! Whatever bytes a peer calls a certificate are read without a panic, and twice the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    assert_eq!(wirelint::pki::read(der), wirelint::pki::read(der));
});
