//! What people see: colours, widths, and text that others chose.

use crate::program::{BAD, GOOD, Lab};

const FORMATS: [&str; 4] = ["text", "concise", "json", "ndjson"];

#[test]
fn hostile_text_reaches_no_terminal() {
    let lab = Lab::new();
    lab.sample("hostile-text.pcapng", "x.pcapng");
    let check =
        ["check", "x.pcapng", "--all", "--keep-sessions", "all", "--db", "w.db", "--format"];
    let mut said = Vec::new();
    for format in FORMATS {
        let run = lab.run(&[&check[..], &[format]].concat());
        said.push((format, run.out));
        said.push((format, run.err));
    }
    // The key of fingerprints answers no question.
    let tables = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
                  AND name <> 'fingerprint_key'";
    let names = lab.run(&["db", "query", tables, "--db", "w.db", "--format", "csv"]);
    for name in names.out.lines().skip(1) {
        let sql = format!("SELECT * FROM {name}");
        for format in ["table", "csv", "json", "ndjson"] {
            let run = lab.run(&["db", "query", &sql, "--db", "w.db", "--format", format]);
            assert_eq!(run.code, 0, "{run:#?}");
            said.push((format, run.out.replace("\r\n", "\n")));
        }
    }
    assert!(said.iter().any(|(_, text)| text.contains("u{1b}")), "the sample is hostile");
    for (format, text) in said {
        let obeyed = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!text.contains(obeyed), "{format}: {text:?}");
    }
}

#[test]
fn hostile_names_of_files_are_escaped() {
    let lab = Lab::new();
    let name = "a\u{1b}]0;x\u{7}\n::error::b.pcapng";
    lab.sample(BAD, name);
    for format in FORMATS {
        let run = lab.run(&["check", name, "--format", format]);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(!run.out.contains(['\u{1b}', '\u{7}']), "{run:#?}");
        assert!(
            !run.out.lines().chain(run.err.lines()).any(|line| line.starts_with("::")),
            "{run:#?}"
        );
    }
    let missing = lab.run(&["check", "b\u{1b}[31m\n::error::x"]);
    assert_eq!(missing.err.lines().count(), 1, "{missing:#?}");
    assert!(!missing.err.contains('\u{1b}'), "{missing:#?}");
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("empty", "");
    let check = |file: &str, option: &str, environment: &[(&str, &str)]| {
        let mut command = lab.command(&["check", file, option]);
        command.envs(environment.iter().copied());
        let run = crate::program::run(command.output().unwrap());
        run.out.contains("\u{1b}[") || run.err.contains("\u{1b}[")
    };
    for file in ["x.pcapng", "empty"] {
        assert!(!check(file, "--color=auto", &[]), "a pipe is no terminal");
        assert!(check(file, "--color=always", &[]));
        assert!(check(file, "--color=auto", &[("FORCE_COLOR", "1")]));
        assert!(!check(file, "--color=auto", &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
        assert!(check(file, "--color=always", &[("NO_COLOR", "1")]), "an option wins");
        assert!(!check(file, "--color=never", &[("FORCE_COLOR", "1")]));
        assert!(!check(file, "--color=auto", &[("NO_COLOR", "")]), "an empty value says nothing");
    }
}

#[test]
fn ascii_is_enough_where_it_is_asked_for() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    for arguments in [&["check", "x.pcapng", "--ascii"][..], &["--ascii", "explain", "WL1001"]] {
        assert!(lab.run(arguments).out.is_ascii(), "{arguments:?}");
    }
}

#[test]
fn quiet_says_less_and_never_hides_an_error() {
    let lab = Lab::new();
    let cut = crate::bytes::without_end(GOOD, 7);
    lab.sample(GOOD, "x.pcapng").file("cut.pcapng", cut);
    let warned = ["check", "cut.pcapng", "--on-incomplete", "warn"];
    assert!(lab.run(&warned).err.starts_with("warning[truncated-capture]: "));
    assert_eq!(lab.run(&[&warned[..], &["-q"]].concat()).err, "");
    let error = lab.run(&["check", "cut.pcapng", "-qq"]);
    assert!(error.err.starts_with("error[truncated-capture]: "), "{error:#?}");
    lab.run(&["check", "x.pcapng"]).says(0, &[]).is_silent_on_stderr();
}

#[test]
fn a_finding_on_the_whole_run_names_no_frame() {
    let lab = Lab::new();
    lab.sample("tls13-one-way.pcapng", "x.pcapng").sample("tls13-mutual.pcapng", "y.pcapng");
    let text = lab.run(&["check", "x.pcapng", "--all"]).out;
    let place = text.lines().skip_while(|line| !line.starts_with("note[WL9001 ")).nth(1);
    assert_eq!(place, Some("  --> x.pcapng (info)"), "{text}");
    let text = lab.run(&["check", "x.pcapng", "y.pcapng", "--all"]).out;
    assert!(text.contains("\n  --> 2 captures (info)\n"), "{text}");
    let concise = lab.run(&["check", "x.pcapng", "--format", "concise"]).out;
    assert!(concise.contains("x.pcapng: info WL9001 "), "{concise}");
}

#[test]
fn every_line_for_people_begins_with_characters_of_our_own() {
    let lab = Lab::new();
    lab.sample("hostile-text.pcapng", "x.pcapng").sample("mixed-posture.pcapng", "y.pcapng");
    let run = lab.run(&["check", "x.pcapng", "y.pcapng", "--all"]);
    for line in run.out.lines().filter(|line| !line.is_empty()) {
        assert!(!line.starts_with(':') && !line.starts_with('#'), "{line}");
    }
}
