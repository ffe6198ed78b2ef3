//! The HTML report through the program.

use std::fs;

use crate::program::{BAD, Lab};

#[test]
fn the_page_is_written_whole_and_readable_by_its_owner_alone() {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng");
    let run = lab.run(&["check", "x.pcapng", "-o", "html=report.html"]);
    assert_eq!(run.code, 1, "{run:#?}");
    let page = fs::read_to_string(lab.path("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    let printed = lab.run(&["check", "x.pcapng", "--format", "html"]);
    assert_eq!((printed.code, printed.out), (1, page));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(lab.path("report.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // What wirelint wrote it may write again.
    assert_eq!(lab.run(&["check", "x.pcapng", "-o", "html=report.html"]).code, 1);
}

#[test]
fn a_hostile_file_name_is_text() {
    let lab = Lab::new();
    let name = "<img src=x onerror=alert(1)>.pcapng";
    lab.sample(BAD, name);
    let page = lab.run(&["check", name, "--format", "html"]).out;
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!page.contains("<img"));
}

const SERVICES: &str = "mapping-version = 1\n[[service]]\nname = \"payments\"\nowner = \"team-money@example.com\"\n\
                        addr = [\"10.77.0.3\"]\n[[service]]\nname = \"orders\"\naddr = [\"10.77.0.2\"]\n";
const POLICY: &str = "policy-version = 1\n[[edge]]\nfrom = \"orders\"\nto = \"payments\"\n\
                      [[edge]]\nfrom = \"search\"\nto = \"payments\"\n";

fn declared() -> Lab {
    let lab = Lab::new();
    lab.sample(BAD, "x.pcapng").file("services.toml", SERVICES).file("policy.toml", POLICY);
    lab
}

fn page(lab: &Lab, more: &[&str]) -> String {
    let check = ["check", "x.pcapng", "--services", "services.toml", "--format", "html"];
    lab.run(&[&check, more].concat()).out
}

#[test]
fn the_page_tells_what_became_of_the_policy_and_who_answers_for_what() {
    let lab = declared();
    let told = page(&lab, &["--policy", "policy.toml"]);
    let rows: Vec<&str> = told.split("<tr>").collect();
    let row = |edge: &str| rows.iter().find(|row| row.contains(edge)).copied().unwrap_or_default();
    let violated = row(">orders -&gt; payments:*<");
    assert!(
        violated.contains(">violated<") && violated.contains("posture is plaintext"),
        "{violated}"
    );
    assert!(row(">search -&gt; payments:*<").contains(">not seen<"), "{told}");
    assert!(told.contains("owner: team-money@example.com"), "{told}");
    let digest = |bytes: &[u8]| -> String {
        use sha2::Digest as _;
        sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert!(told.contains(&digest(&fs::read(lab.path("x.pcapng")).unwrap())));
    assert!(told.contains(&digest(POLICY.as_bytes())));
    let open = page(&lab, &[]);
    assert!(open.contains("No policy was given"), "{open}");
    lab.file("policy.toml", "policy-version = 1\n");
    let unknown = page(&lab, &["--policy", "policy.toml"]);
    assert!(unknown.contains("1 edge without an entry"), "{unknown}");
}

#[test]
fn a_page_with_aliases_names_nobody() {
    let lab = declared();
    let plain = page(&lab, &["--policy", "policy.toml"]);
    let redacted = page(&lab, &["--policy", "policy.toml", "--redact"]);
    for name in
        ["payments", "orders", "search", "team-money", "10.77.0.", "x.pcapng", "policy.toml"]
    {
        assert!(plain.contains(name), "{name}");
        assert!(!redacted.contains(name), "{name} in {redacted}");
    }
    for alias in ["service-1", "service-2", "owner-1", "address-1", "capture-1"] {
        assert!(redacted.contains(alias), "{alias}");
    }
    assert_eq!(redacted, page(&lab, &["--policy", "policy.toml", "--redact"]));
}
