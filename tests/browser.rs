//! The HTML report in a real browser. Runs only where a Chromium is found (`WIRELINT_CHROMIUM`, or one on the path), and
//! says so where none is. The page is opened from disk, as a reader would.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Names under which it is installed.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome-headless-shell",
];

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WIRELINT_CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        eprintln!("no Chromium was found: nothing was opened");
    }
    found
}

/// A report over all samples, with a name in it that a browser would like to run.
fn report(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hostile = folder.join("<script>alert(1)<_script><img src=x onerror=alert(2)>.pcapng");
    fs::copy(root.join("samples/mixed-posture.pcapng"), &hostile).unwrap();
    let page = folder.join("report.html");
    let run = Command::new(env!("CARGO_BIN_EXE_wirelint"))
        .arg("check")
        .arg(root.join("samples"))
        .arg(&hostile)
        .args(["--exit-zero", "--on-incomplete=warn", "-qq", "--format", "concise", "-o"])
        .arg(format!("html={}", page.display()))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    page
}

fn open(browser: &Path, profile: &Path, arguments: &[String]) -> Output {
    Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args([
            "--disable-features=NetworkTimeServiceQuerying",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_page_opens_without_an_error_a_request_or_anything_of_the_wires_running() {
    let Some(browser) = browser() else { return };
    let folder = TempDir::new().unwrap();
    let page = report(folder.path());
    let log = folder.path().join("net.json");
    let arguments = [
        format!("--log-net-log={}", log.display()),
        "--dump-dom".to_owned(),
        format!("file://{}", page.display()),
    ];
    let opened = open(&browser, &folder.path().join("profile"), &arguments);
    let said = String::from_utf8_lossy(&opened.stderr);
    assert!(opened.status.success(), "{said}");
    let console: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    let dom = String::from_utf8_lossy(&opened.stdout);
    assert!(dom.contains("id=\"services\"") && dom.trim_end().ends_with("</html>"));
    assert!(dom.contains("&lt;script&gt;alert(1)"), "the hostile name is shown");
    for injected in ["<script", "<img", "<iframe", "<object", "<embed", "<link", "<form"] {
        assert!(!dom.contains(injected), "{injected}");
    }
    let requests = fs::read_to_string(&log).unwrap();
    for (at, _) in requests.match_indices("\"url\":\"") {
        let url = requests[at + 7..].split('"').next().unwrap();
        let own =
            url.starts_with("file://") || url.starts_with("data:") || url.starts_with("chrome");
        // The browser calls its maker, for the time and for updates, whatever it shows.
        let host = url.split('/').nth(2).unwrap_or_default();
        let own = own
            || [".google.com", ".googleapis.com", ".gvt1.com"]
                .iter()
                .any(|end| host.ends_with(end));
        assert!(own, "a request to {url}");
    }
}

#[test]
fn the_page_can_be_printed_and_pictured() {
    let Some(browser) = browser() else { return };
    let folder = TempDir::new().unwrap();
    let page = report(folder.path());
    let (picture, print) = (folder.path().join("page.png"), folder.path().join("page.pdf"));
    for argument in [
        format!("--screenshot={}", picture.display()),
        format!("--print-to-pdf={}", print.display()),
    ] {
        let arguments =
            [argument, "--window-size=1280,2000".into(), format!("file://{}", page.display())];
        let opened = open(&browser, &folder.path().join("profile"), &arguments);
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    }
    assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    assert!(fs::read(&print).unwrap().starts_with(b"%PDF"));
}
