//! The pages say what is so: every command in them runs, every list in them is complete, every link leads somewhere.

#![cfg(test)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use wirelint::inspect::{PROTOCOLS, Protocol};

/// The pages, from the root of the repository.
const PAGES: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/ARCHITECTURE.md",
    "docs/dashboard.md",
    "docs/grades.md",
    "docs/baseline.md",
    "docs/ci.md",
    "docs/configuration.md",
    "docs/delivery.md",
    "docs/deploy.md",
    "docs/guide.md",
    "docs/output.md",
    "docs/policy.md",
    "docs/formats.md",
    "docs/postures.md",
    "docs/protocols.md",
    "docs/report.md",
    "docs/rules.md",
    "docs/services.md",
    "benches/README.md",
    "samples/lab/README.md",
];

/// A capture that has something of everything: clear, TLS, findings.
const SAMPLE: &str = "samples/mixed-posture.pcapng";

#[test]
fn every_wirelint_command_runs() {
    let place = Place::new();
    let mut count = 0;
    for (page, mut command) in commands() {
        // Not without an interface or a terminal; that their options are known is told before the help is.
        if matches!(command[0].as_str(), "watch" | "doctor" | "tui") {
            command.push("--help".to_owned());
        }
        let output = place.run(&command);
        let code = output.status.code();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(code, Some(0 | 1)), "{page}: {}\n{code:?}: {errors}", command.join(" "));
        count += 1;
    }
    assert!(count > 30, "only {count} commands were found");
}

#[test]
fn every_query_of_the_guide_answers() {
    let place = Place::new();
    let queries: Vec<_> = blocks("docs/guide.md", "sql").collect();
    assert!(queries.len() > 5, "{queries:?}");
    for query in queries {
        let output = place.run(&["db", "query", "--db", "audit.db", "--format", "csv", &query]);
        assert!(output.status.success(), "{query}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_rule_that_is_shown_loads_passes_its_tests_and_can_fire() {
    let place = Place::new();
    let tested = place.run(&["rules", "test", "my-rules/"]);
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
    let capture = root().join("samples/grpc-plaintext.pcapng");
    let capture = capture.to_str().unwrap();
    let found = place.run(&["check", capture, "--rules", "my-rules/", "--format", "concise"]);
    assert!(String::from_utf8_lossy(&found.stdout).contains("ACME201 payments-in-clear"));
}

#[test]
fn the_picture_in_the_readme_is_what_is_printed() {
    let picture = blocks("README.md", "console").next().unwrap();
    let mut lines = picture.lines();
    let command = words(lines.next().unwrap().trim_start_matches("$ wirelint "));
    let output = Place::new().run(&command);
    let printed =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    let mut rest = printed.as_str();
    for line in lines.filter(|line| line.trim() != "...") {
        let wanted = line.trim_end_matches("...");
        let at = rest.find(wanted);
        rest = &rest[at.unwrap_or_else(|| panic!("not printed, or not in this order: {line}"))..];
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let mut defined = vec![0, 1, 3, 4];
    for line in text("src/cli/mod.rs").lines() {
        if let Some((_, code)) = line.split_once(": Code = ") {
            defined.push(code.trim_end_matches(';').parse().unwrap());
        }
    }
    defined.sort_unstable();
    defined.dedup();
    let told = |page: &str, skip: &str| {
        let page = text(page);
        let rows = page.lines().filter(|line| line.starts_with("| ") && !line.contains(skip));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let mut codes: Vec<u8> = cells
            .flat_map(|cell| cell.split(',').filter_map(|code| code.trim().parse().ok()))
            .collect();
        codes.sort_unstable();
        codes
    };
    assert_eq!(told("docs/output.md", "kept for"), defined);
    assert_eq!(told("README.md", "kept for"), defined);
}

#[test]
fn every_protocol_is_described_in_the_order_in_which_probes_are_asked() {
    let page = text("docs/protocols.md");
    let rows: Vec<String> =
        rows(&page, "# Protocols").map(|row| format!("{} {}", row[0], row[1])).collect();
    let line =
        |protocol: &&dyn Protocol| format!("`{}` {}", protocol.name(), protocol.class().name());
    let wanted: Vec<String> = PROTOCOLS.iter().map(line).collect();
    assert_eq!(rows, wanted);
}

#[test]
fn every_layer_is_described() {
    let page = text("docs/ARCHITECTURE.md");
    let layers: Vec<String> = text("src/lib.rs")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned()))
        .collect();
    assert!(layers.len() > 5, "{layers:?}");
    let rows: Vec<&str> = rows(&page, "## The layers").map(|row| row[0]).collect();
    let wanted: Vec<String> = layers.iter().map(|layer| format!("`{layer}`")).collect();
    assert_eq!(rows, wanted, "the layers of src/lib.rs, in their order");
}

#[test]
fn every_dependency_is_justified_and_its_fence_is_the_one_that_holds() {
    let page = text("docs/ARCHITECTURE.md");
    let fences = text("tests/layering.rs");
    let told: Vec<_> = rows(&page, "## Dependencies").collect();
    let direct = dependencies("[dependencies]");
    assert_eq!(told.len(), direct.len());
    for (row, name) in told.iter().zip(&direct) {
        assert_eq!(row[0], format!("`{name}`"), "in the order of Cargo.toml");
        let fence = match row[2] {
            "anywhere" => "ANYWHERE".to_owned(),
            layers => format!("&[{}]", layers.replace('`', "\"")),
        };
        let line = format!("(\"{}\", {fence}),", name.replace('-', "_"));
        assert!(fences.contains(&line), "tests/layering.rs does not say {line}");
    }
    for name in dependencies("[dev-dependencies]") {
        assert!(page.contains(&format!("`{name}`")), "{name}, a dependency of tests, is not named");
    }
}

#[test]
fn every_path_and_link_leads_somewhere() {
    for page in PAGES {
        let page_text = text(page);
        let folder = root().join(page);
        let folder = folder.parent().unwrap();
        for target in links(&page_text) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { root().join(page) } else { folder.join(file) };
            assert!(file.exists(), "{page} links to {target}");
            if !anchor.is_empty() {
                let titles = fs::read_to_string(&file).unwrap();
                let found =
                    titles.lines().any(|line| line.starts_with('#') && slug(line) == anchor);
                assert!(found, "{page} links to {target}");
            }
        }
        for path in page_text.split('`').skip(1).step_by(2).filter(|code| is_path(code)) {
            assert!(root().join(path).exists(), "{page} names {path}");
        }
    }
}

#[test]
fn every_target_that_is_named_is_one_of_the_makefile() {
    let makefile = text("Makefile");
    for page in ["README.md", "CONTRIBUTING.md", ".ci/run"] {
        for line in text(page).lines().map(|line| line.trim_start_matches("    ")) {
            let target = line.strip_prefix("make ").or_else(|| line.strip_prefix(".ci/run "));
            let Some(target) = target.and_then(|rest| rest.split_whitespace().next()) else {
                continue;
            };
            assert!(
                makefile.contains(&format!("\n{target}:")) || target.contains("integration"),
                "{page}: {line}"
            );
        }
    }
}

#[test]
fn the_changelog_has_a_place_for_what_is_not_released() {
    assert!(text("CHANGELOG.md").contains("\n## [Unreleased]\n"));
}

/// A folder with the files that the commands of the pages name.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["captures", "my-rules", "audit"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("keys.log"), "").unwrap();
        fs::write(at("compose.yaml"), "services:\n  orders:\n    image: shop/orders\n").unwrap();
        let policy = blocks("docs/policy.md", "toml").next().unwrap();
        fs::write(at("policy.toml"), policy).unwrap();
        let services = blocks("docs/services.md", "toml").next().unwrap();
        fs::write(at("services.toml"), services).unwrap();
        std::os::unix::fs::symlink(root().join("samples"), at("samples")).unwrap();
        std::os::unix::fs::symlink(root().join("deploy"), at("deploy")).unwrap();
        for name in ["run.pcap", "captures/staging.pcapng", "audit/run.pcap"] {
            fs::copy(root().join(SAMPLE), at(name)).unwrap();
        }
        for page in ["docs/guide.md", "docs/rules.md"] {
            let rule =
                blocks(page, "toml").find(|block| block.starts_with("rule-version")).unwrap();
            let name = page.replace('/', "-").replace(".md", ".toml");
            fs::write(at("my-rules").join(name), rule).unwrap();
        }
        let made = [("ca.der", "ca.pem"), ("ca.der", "mesh-ca.pem"), ("ca.der", "partner-ca.pem")];
        for (from, name) in made.into_iter().chain([("crl.pem", "ca.crl"), ("crl.pem", "zone.crl")])
        {
            let from = root().join(format!("src/pki/testdata/openssl-{from}"));
            fs::copy(from, at(name)).unwrap();
        }
        let place = Self { folder };
        assert_eq!(place.run(&["check", "run.pcap", "--db", "audit.db"]).status.code(), Some(1));
        place
    }

    /// Runs the program in the folder, with a capture as standard input.
    fn run(&self, arguments: &[impl AsRef<str>]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelint"));
        command.current_dir(&self.folder).args(arguments.iter().map(AsRef::as_ref));
        command.stdin(File::open(root().join(SAMPLE)).unwrap()).output().unwrap()
    }
}

/// The arguments of every command line in a block of code that begins with `wirelint` or pipes into it, with its page.
fn commands() -> impl Iterator<Item = (&'static str, Vec<String>)> {
    PAGES.iter().flat_map(|page| {
        let code = ["sh", "console", "yaml"].into_iter().flat_map(|kind| blocks(page, kind));
        let code: Vec<String> = code.collect();
        code.into_iter().flat_map(|block| lines(&block)).filter_map(move |line| {
            let line = line.trim().trim_start_matches("$ ").trim_start_matches("- ");
            let line = line.trim_start_matches("run: ");
            let command = line
                .strip_prefix("wirelint ")
                .or_else(|| line.split_once("| wirelint ").map(|(_, command)| command))?;
            Some((*page, words(command)))
        })
    })
}

/// Lines of shell, with those joined over which a quotation goes.
fn lines(block: &str) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for line in block.lines() {
        match joined.last_mut() {
            Some(last) if last.matches('"').count() % 2 == 1 => *last = format!("{last}\n{line}"),
            _ => joined.push(line.to_owned()),
        }
    }
    joined
}

/// The words of a command line, up to what the shell would take for itself.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command.trim_start();
    while let Some(first) = rest.chars().next() {
        if matches!(first, '#' | '|' | '>' | '&' | ';') {
            break;
        }
        let (word, behind) = match first {
            '"' | '\'' => rest[1..].split_once(first).expect("the quotation ends"),
            _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = behind.trim_start();
    }
    words
}

/// The blocks of code of one language in a page.
fn blocks(page: &str, language: &str) -> impl Iterator<Item = String> {
    let fence = format!("\n```{language}\n");
    let page = text(page);
    let blocks: Vec<String> = page
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap_or(rest).to_owned())
        .collect();
    blocks.into_iter()
}

/// The cells of the first table below a heading, without its head.
fn rows<'p>(page: &'p str, heading: &str) -> impl Iterator<Item = Vec<&'p str>> {
    let section = page.split_once(heading).unwrap().1;
    let table = section.lines().skip_while(|line| !line.starts_with('|'));
    let table = table.take_while(|line| line.starts_with('|')).skip(2);
    table.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
}

fn dependencies(section: &str) -> Vec<String> {
    let manifest = text("Cargo.toml");
    let section = manifest.split_once(section).unwrap().1;
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}

/// The targets of links that do not leave the repository.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://"))
}

/// A heading as the anchor that it gets.
fn slug(heading: &str) -> String {
    let title = heading.trim_start_matches('#').trim().to_lowercase();
    title
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Whether a piece of code names a file of the repository.
fn is_path(code: &str) -> bool {
    let folders =
        ["src/", "docs/", "tests/", "rules/", "samples/", "benches/", "fuzz/", ".ci/", "deploy/"];
    let plain = code.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    plain
        && folders.iter().any(|folder| code.starts_with(folder))
        && !code.contains("NAME")
        && !code.contains(".build")
}

fn text(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
