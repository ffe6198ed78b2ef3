//! Any text as a rule file, and any text as the condition of an otherwise sound one: errors, never a crash.
#![no_main]

use libfuzzer_sys::fuzz_target;

const HEAD: &str = "rule-version = 1\ncode = \"ACME1\"\nname = \"mine\"\ntitle = \"t\"\nseverity = \"low\"\n\
    on = \"session\"\nmessage = \"m\"\ndescription = \"d\"\nfix = \"f\"\n";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _whatever = wirelint::rule::read_rule("fuzz.toml", text);
    if !text.contains("'''") {
        let rule = format!("{HEAD}when = '''{text}'''\n");
        let _whatever = wirelint::rule::read_rule("fuzz.toml", &rule);
    }
});
