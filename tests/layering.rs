//! The layers of `src/lib.rs` hold: nothing imports upwards, no outside crate leaves its fence, no file grows without
//! end. Reads the sources as text, so that a slip in code that is not compiled here is found as well.

#![cfg(test)]

#[path = "support/rust_source.rs"]
mod rust_source;

use std::fs;
use std::path::{Path, PathBuf};

use rust_source::{Token, paths, tokens};

/// Where each outside crate may be used: in these folders (or files) below `src/`, or anywhere.
///
/// **Added a dependency?** Give it a line, with the narrowest fence that works.
const FENCES: &[(&str, &[&str])] = &[
    ("aes", &["inspect/tls/decrypt"]),
    ("aes_gcm", &["inspect/tls/decrypt"]),
    ("base64", &["model", "inspect", "pki", "report/html", "tui"]),
    ("brotli_decompressor", &["inspect/tls/decrypt"]),
    ("caps", &["edge"]),
    ("cbc", &["inspect/tls/decrypt"]),
    ("ccm", &["inspect/tls/decrypt"]),
    ("cel", &["rule"]),
    ("chacha20poly1305", &["inspect/tls/decrypt"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_complete_nushell", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["report"]),
    ("crossbeam_channel", &["engine"]),
    ("crossterm", &["tui"]),
    ("des", &["inspect/tls/decrypt"]),
    ("ecow", &["model"]),
    ("etherparse", &["decode"]),
    ("flate2", &["capture", "inspect/tls/decrypt", "inspect/datagram"]),
    ("foldhash", ANYWHERE),
    ("getrandom", &["store"]),
    ("hashbrown", ANYWHERE),
    ("hmac", &["inspect/tls/decrypt", "store"]),
    ("httparse", &["inspect", "edge"]),
    ("indicatif", &["cli"]),
    ("jiff", &["model"]),
    ("maud", &["report/html"]),
    ("landlock", &["edge"]),
    ("md5", &["inspect/tls", "pki"]),
    ("memchr", ANYWHERE),
    ("mimalloc", &["cli"]),
    ("nix", &["edge"]),
    ("p256", &["pki"]),
    ("p384", &["pki"]),
    ("p521", &["pki"]),
    ("pcap", &["capture"]),
    ("pcap_parser", &["capture"]),
    ("ratatui", &["tui"]),
    ("rusqlite", &["store"]),
    ("rustls", &["edge/deliver"]),
    ("rustls_pki_types", &["pki"]),
    ("seccompiler", &["edge"]),
    ("serde", &["rule", "store", "report", "cli"]),
    ("serde_json", &["inspect", "identity", "rule", "store", "report", "edge/deliver", "cli"]),
    ("serde_saphyr", &["identity/import"]),
    ("sha1", &["model", "pki", "inspect/tls/decrypt"]),
    ("sha2", &["model", "capture", "pki", "rule", "audit", "store", "inspect/tls", "report/html"]),
    ("signal_hook", &["edge"]),
    ("smallvec", ANYWHERE),
    ("strsim", &["capture", "identity", "rule", "store", "cli"]),
    ("terminal_size", &["cli"]),
    ("thiserror", ANYWHERE),
    ("tls_parser", &["inspect/tls"]),
    ("tokio", &["engine", "edge"]),
    ("toml", &["rule", "identity", "cli"]),
    ("webpki", &["pki"]),
    ("x509_parser", &["pki"]),
    ("zeroize", &["inspect/tls", "edge/deliver"]),
    ("zstd", &["capture", "inspect/tls/decrypt"]),
];

const ANYWHERE: &[&str] = &[""];

/// Words that may not stand in `src/`; with `!`, as a macro only.
const FORBIDDEN: &[&str] = &["unsafe", "todo!", "unimplemented!", "dbg!"];

const LONGEST_FILE: usize = 500;

/// A file below `src/`, by the modules that lead to it: `["inspect", "tls", "record"]`.
struct Source {
    name: String,
    module: Vec<String>,
    tokens: Vec<Token>,
}

#[test]
fn no_module_imports_from_a_layer_above_its_own() {
    let layers = layers(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    assert!(layers.len() > 5, "the list of layers was not found: {layers:?}");
    expect_none(sources().iter().flat_map(|source| upward_imports(source, &layers)));
}

#[test]
fn every_folder_is_a_layer() {
    let layers = layers(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let strays = sources().into_iter().filter(|source| {
        !matches!(source.name.as_str(), "lib.rs" | "main.rs") && !layers.contains(&source.module[0])
    });
    expect_none(strays.map(|source| format!("{}: not below a layer of src/lib.rs", source.name)));
}

#[test]
fn no_outside_crate_leaves_its_fence() {
    expect_none(sources().iter().flat_map(leaks));
}

#[test]
fn every_dependency_has_a_fence() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let names = dependencies(&manifest);
    assert!(names.len() > 10, "the dependencies were not found: {names:?}");
    let unfenced = names.iter().filter(|name| !FENCES.iter().any(|(fenced, _)| fenced == name));
    expect_none(unfenced.map(|name| format!("Cargo.toml: {name} has no line in FENCES")));
}

#[test]
fn main_knows_the_commands_only() {
    let source = sources().into_iter().find(|source| source.name == "main.rs").unwrap();
    expect_none(beyond_cli(&source));
}

#[test]
fn nothing_unfinished_or_unsafe_is_left_in_the_sources() {
    expect_none(sources().iter().flat_map(forbidden_words));
}

#[test]
fn no_file_is_longer_than_it_can_be_read() {
    let all = ["src", "tests", "benches", "fuzz"].map(|folder| rust_files(&root().join(folder)));
    let long = all.iter().flatten().filter_map(|path| {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        (lines > LONGEST_FILE).then(|| format!("{}: {lines} lines", path.display()))
    });
    expect_none(long);
}

#[track_caller]
fn expect_none(violations: impl IntoIterator<Item = String>) {
    let violations: Vec<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        source(&name, &fs::read_to_string(path).unwrap())
    };
    rust_files(&src).iter().map(read).collect()
}

/// The Rust files below a folder, in an order that is always the same.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| !path.ends_with("target"));
    found.sort();
    let files = found.into_iter().flat_map(|path| match path.is_dir() {
        true => rust_files(&path),
        false => vec![path],
    });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn source(name: &str, text: &str) -> Source {
    let path = name.trim_end_matches(".rs").trim_end_matches("/mod");
    let module = path.split('/').map(str::to_owned).collect();
    Source { name: name.to_owned(), module, tokens: tokens(text) }
}

/// The public modules of the library in their order: its layers, low to high.
fn layers(lib: &str) -> Vec<String> {
    let tokens = tokens(lib);
    let declared = tokens.windows(3).filter(|w| w[0].text == "pub" && w[1].text == "mod");
    declared.map(|w| w[2].text.clone()).collect()
}

/// The dependencies of a manifest by the names that code knows them by.
fn dependencies(manifest: &str) -> Vec<String> {
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines = section.take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['=', '.', ' ']).next());
    names
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(|n| n.replace('-', "_"))
        .collect()
}

fn upward_imports(source: &Source, layers: &[String]) -> Vec<String> {
    let rank = |layer: &str| layers.iter().position(|name| name == layer);
    let Some(own) = rank(&source.module[0]) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in paths(&source.tokens) {
        let Some(target) = below_crate(source, &path) else { continue };
        let words = match target.as_str() {
            "" | "*" => "names the whole crate".to_owned(),
            layer if rank(layer) > Some(own) => format!("imports from {layer}, a layer above it"),
            _ => continue,
        };
        found.push(format!("src/{}:{}: {words}", source.name, path.line));
    }
    found
}

/// The first segment below the root of the crate, when the path goes through it; empty when it ends there.
fn below_crate(source: &Source, path: &rust_source::Path) -> Option<String> {
    let ups = path.segments.iter().take_while(|segment| *segment == "super").count();
    let rest = match path.segments.first()?.as_str() {
        "crate" => path.segments.get(1..)?,
        "super" if ups == source.module.len() + path.within.len() => path.segments.get(ups..)?,
        _ => return None,
    };
    Some(rest.first().cloned().unwrap_or_default())
}

fn leaks(source: &Source) -> Vec<String> {
    let modules = source.tokens.windows(2).filter(|w| w[0].text == "mod");
    let own: Vec<&str> = modules.map(|w| w[1].text.as_str()).collect();
    let used = paths(&source.tokens).into_iter().filter_map(|path| {
        let name = path.segments.first()?.clone();
        let (_, fence) = FENCES.iter().find(|(fenced, _)| *fenced == name)?;
        let inside = fence.iter().any(|place| is_below(&source.module, place));
        (!inside && !own.contains(&name.as_str())).then(|| {
            format!("src/{}:{}: {name} belongs in {}", source.name, path.line, fence.join(", "))
        })
    });
    used.collect()
}

fn is_below(module: &[String], place: &str) -> bool {
    place.is_empty() || place.split('/').eq(module.iter().take(place.split('/').count()))
}

fn beyond_cli(source: &Source) -> Vec<String> {
    let beyond = paths(&source.tokens).into_iter().filter(|path| {
        let second = path.segments.get(1).map_or("", String::as_str);
        match path.segments[0].as_str() {
            "wirelint" => second != "cli",
            "crate" => true,
            name => FENCES.iter().any(|(fenced, _)| *fenced == name),
        }
    });
    beyond
        .map(|path| {
            format!("src/main.rs:{}: {} is not its to know", path.line, path.segments.join("::"))
        })
        .collect()
}

fn forbidden_words(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        let next = source.tokens.get(index + 1).map_or("", |token| token.text.as_str());
        let word = FORBIDDEN.iter().find(|word| match word.strip_suffix('!') {
            Some(name) => token.text == name && next == "!",
            None => token.text == **word,
        });
        found.extend(word.map(|word| format!("src/{}:{}: {word}", source.name, token.line)));
    }
    found
}

mod the_test_itself {
    use super::*;

    fn upward(name: &str, text: &str) -> Vec<String> {
        let layers = ["model", "flow", "pki", "cli"].map(str::to_owned);
        upward_imports(&source(name, text), &layers)
    }

    fn is_upward(name: &str, text: &str) -> bool {
        !upward(name, text).is_empty()
    }

    #[test]
    fn finds_an_upward_import_however_it_is_written() {
        let planted = [
            ("flow/mod.rs", "use crate::pki::read;"),
            ("flow/mod.rs", "use crate::{model::Seen, pki::{self, read}};"),
            ("flow/mod.rs", "use {std::fmt, crate::cli as c};"),
            ("flow/mod.rs", "fn f() { crate::pki::read(&[]); }"),
            ("flow/mod.rs", "fn f(x: &dyn crate::cli::Command) {}"),
            ("flow/mod.rs", "macro_rules! m { () => { $crate::pki::read() } }"),
            ("flow/mod.rs", "use super::pki::read;"),
            ("flow/mod.rs", "use super::{model, cli};"),
            ("flow/mod.rs", "use super::*;"),
            ("flow/mod.rs", "use crate::*;"),
            ("flow/mod.rs", "use crate as everything;"),
            ("flow/mod.rs", "#[cfg(test)] mod tests { use super::super::pki::read; }"),
            ("flow/table.rs", "use super::super::cli;"),
            ("flow/table.rs", "#[cfg(test)]\nmod tests { use crate::cli; }"),
            ("model/seen.rs", "pub use crate::flow::r#Key;"),
        ];
        for (name, text) in planted {
            assert!(is_upward(name, text), "{name}: {text}");
        }
    }

    #[test]
    fn says_where_it_is() {
        let found =
            upward("flow/table.rs", "\n// x\nuse crate::{\n    model,\n    pki::read,\n};\n");
        assert_eq!(found, ["src/flow/table.rs:5: imports from pki, a layer above it"]);
    }

    #[test]
    fn lets_through_what_points_downwards_or_stays() {
        let fine = [
            ("pki/mod.rs", "use crate::model::{Seen, limits}; use crate::flow;"),
            ("pki/name.rs", "use super::cli; use super::text::hex; use crate::pki::text;"),
            ("pki/mod.rs", "mod a { use super::*; mod b { use super::super::cli; } }"),
            ("pki/mod.rs", "mod a { fn f() {} } use self::cli::x; use cli::y;"),
            (
                "pki/mod.rs",
                "pub(crate) fn f<'a>() -> impl Fn() + use<'a> {} pub(in crate::pki) fn g() {}",
            ),
            (
                "flow/mod.rs",
                "// use crate::cli;\n/* crate::cli /* nested */ crate::cli */ fn f() {}",
            ),
            ("flow/mod.rs", "/// [`crate::cli::run`]\n#[doc = \"crate::cli\"] fn f() {}"),
            (
                "flow/mod.rs",
                r##"const A: &str = r#"" crate::cli "#; const B: &[u8] = b"crate::cli\"";"##,
            ),
            (
                "flow/mod.rs",
                "fn f<'a>(c: &'a char) -> bool { *c == '\"' || *c == '\\'' } // crate::cli",
            ),
        ];
        for (name, text) in fine {
            assert_eq!(upward(name, text), [] as [String; 0], "{name}: {text}");
        }
    }

    #[test]
    fn finds_a_crate_outside_its_fence() {
        for text in [
            "use rusqlite::Connection;",
            "use {std::fmt, tokio};",
            "use x509_parser as x;",
            "fn f() -> ::clap::Command { todo() }",
            "#[derive(Debug, serde::Serialize)] struct S;",
            "const C: char = '\"'; use toml::Value; // \"",
        ] {
            assert_eq!(leaks(&source("flow/mod.rs", text)).len(), 1, "{text}");
        }
        let outside = leaks(&source("inspect/http1.rs", "use tls_parser::TlsMessage;"));
        assert_eq!(outside, ["src/inspect/http1.rs:1: tls_parser belongs in inspect/tls"]);
    }

    #[test]
    fn lets_a_crate_be_used_within_its_fence() {
        let fine = [
            ("inspect/tls/mod.rs", "use tls_parser::TlsMessage; use httparse::Request;"),
            ("inspect/tls.rs", "use tls_parser::TlsMessage;"),
            (
                "flow/mod.rs",
                "use hashbrown::HashMap; use crate::rule::toml::X; let pcap = 1; a.clap::<B>();",
            ),
            ("flow/mod.rs", "mod toml; use toml::X;"),
            ("flow/mod.rs", "// tokio::spawn\n const S: &str = \"tokio::spawn\";"),
        ];
        for (name, text) in fine {
            assert_eq!(leaks(&source(name, text)), [] as [String; 0], "{name}: {text}");
        }
    }

    #[test]
    fn finds_a_main_that_knows_too_much() {
        let main = |text| beyond_cli(&source("main.rs", text)).len();
        assert_eq!(
            main("use std::process::ExitCode; fn main() -> ExitCode { wirelint::cli::main() }"),
            0
        );
        assert_eq!(main("use wirelint::{cli, engine};"), 1);
        assert_eq!(main("use wirelint::*; use clap::Parser;"), 2);
    }

    #[test]
    fn finds_forbidden_words_in_code_only() {
        let found = |text| forbidden_words(&source("flow/mod.rs", text)).len();
        assert_eq!(found("fn f() { todo!() }"), 1);
        assert_eq!(found("unsafe fn f() { dbg!(1); unimplemented!(\"todo!\") }"), 3);
        assert_eq!(
            found("#![forbid(unsafe_code)] // todo!\n fn todo() -> &'static str { \"dbg!()\" }"),
            0
        );
    }

    #[test]
    fn reads_layers_and_dependencies() {
        assert_eq!(layers("/// pub mod x;\npub mod a; mod hidden; pub mod b;"), ["a", "b"]);
        let manifest = "[package]\nname = \"w\"\n\n[dependencies]\n# why\na-b = \"1\"\n\nc = { x }\nd.path = \"\"\n[dev-dependencies]\ne = \"1\"";
        assert_eq!(dependencies(manifest), ["a_b", "c", "d"]);
    }
}
