//! The dashboard in a real terminal, which is one of tmux. Where there is no tmux, the tests say so and pass.

#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a loaded machine may take for a step.
const PATIENCE: Duration = Duration::from_secs(60);

const SAMPLES: [&str; 3] = ["mixed-posture.pcapng", "mesh-tls12.pcapng", "hostile-text.pcapng"];

/// A terminal with a shell in it, in a folder with a database.
struct Terminal {
    folder: TempDir,
    socket: String,
}

impl Terminal {
    /// A terminal of that size; nothing where there is no tmux.
    fn new(name: &str, width: u16, height: u16) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            writeln!(std::io::stderr(), "skipped: tmux is not installed").unwrap();
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = format!("wirelint-{}-{name}", std::process::id());
        let terminal = Self { folder, socket };
        let database = Command::new(env!("CARGO_BIN_EXE_wirelint"))
            .current_dir(terminal.folder.path())
            .args(["check", "--exit-zero", "--db", "wirelint.db", "--quiet"])
            .args(SAMPLES.map(sample))
            .output()
            .unwrap();
        assert!(terminal.folder.path().join("wirelint.db").exists(), "{database:?}");
        let (width, height) = (width.to_string(), height.to_string());
        let shell = "env -u NO_COLOR -u ENV PS1='$ ' LC_ALL=C.UTF-8 TERM=screen-256color sh";
        let folder = terminal.folder.path().to_str().unwrap().to_owned();
        let begin = [
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "-c",
            &folder,
            shell,
        ];
        assert!(terminal.tmux(&begin).is_some());
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("tmux")
            .env_remove("TMUX")
            .args(["-L", &self.socket])
            .args(arguments)
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "0"], keys].concat()).unwrap();
    }

    fn line(&self, text: &str) {
        self.tmux(&["send-keys", "-t", "0", "-l", text]).unwrap();
        self.keys(&["Enter"]);
    }

    fn picture(&self) -> String {
        self.tmux(&["capture-pane", "-t", "0", "-p"]).unwrap_or_default()
    }

    /// Waits until the screen is as it is to be.
    #[track_caller]
    fn until(&self, is: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let picture = self.picture();
            if is(&picture) {
                return picture;
            }
            assert!(begun.elapsed() < PATIENCE, "the screen stays:\n{picture}");
        }
    }

    #[track_caller]
    fn shows(&self, text: &str) -> String {
        self.until(|picture| picture.contains(text))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the dashboard; what the terminal is set to is written down before and after.
    fn start(&self, arguments: &str) {
        let program = env!("CARGO_BIN_EXE_wirelint");
        self.line(&format!(
            "stty -a >before; {program} tui {arguments}; echo $? >code; stty -a >after; echo e''nded"
        ));
    }

    /// The dashboard has ended with that code, and the terminal is as it was.
    #[track_caller]
    fn ended_with(&self, code: &str) {
        let picture = self.shows("ended");
        assert!(!picture.contains("[1 Overview]"), "the screen before is back:\n{picture}");
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap();
        assert_eq!(read("code").trim(), code);
        assert_eq!(read("before"), read("after"), "the terminal is set as before");
    }

    /// The process numbers of the dashboard.
    fn pid(&self) -> String {
        let shell = self.tmux(&["display-message", "-t", "0", "-p", "#{pane_pid}"]).unwrap();
        let children =
            Command::new("ps").args(["-o", "pid=,comm=", "--ppid", shell.trim()]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let line = children.lines().find(|line| line.contains("wirelint")).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn sample(name: &str) -> String {
    format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args([name, pid]).status().unwrap().success());
}

#[test]
fn all_screens_a_filter_a_resize_and_out_again() {
    let Some(terminal) = Terminal::new("walk", 80, 24) else { return };
    terminal.start("--db wirelint.db");
    terminal.shows("[1 Overview]");
    terminal.shows("Open findings");
    for (key, title) in [
        ("2", "[2 Findings"),
        ("3", "[3 Edges]"),
        ("4", "[4 Services]"),
        ("5", "[5 Certs]"),
        ("6", "[6 Sessions]"),
        ("7", "[7 Capture]"),
    ] {
        terminal.keys(&[key]);
        terminal.shows(title);
    }
    terminal.keys(&["2", "/"]);
    terminal.shows("filter: state == open");
    terminal.keys(&["C-u"]);
    terminal.line("severity >= high");
    terminal.until(|picture| {
        picture.contains("filter: severity >= high   row 1") && !picture.contains("~  M")
    });
    terminal.tmux(&["resize-window", "-t", "0", "-x", "120", "-y", "40"]).unwrap();
    terminal.until(|picture| {
        picture.lines().count() == 40 && picture.lines().any(|line| line.chars().count() > 110)
    });
    terminal.tmux(&["resize-window", "-t", "0", "-x", "40", "-y", "8"]).unwrap();
    terminal.shows("wirelint needs 60x10, this is 40x8");
    terminal.tmux(&["resize-window", "-t", "0", "-x", "80", "-y", "24"]).unwrap();
    terminal.shows("[2 Findings");
    terminal.keys(&["?"]);
    terminal.shows("KEYS");
    // Escape with a letter right behind it would be Alt and that letter.
    terminal.keys(&["Escape"]);
    terminal.until(|picture| !picture.contains("KEYS"));
    terminal.keys(&["q"]);
    terminal.ended_with("0");
}

#[test]
fn signals_give_the_terminal_back() {
    for name in ["-TERM", "-INT", "-HUP"] {
        let Some(terminal) = Terminal::new(&format!("signal{name}"), 80, 24) else { return };
        terminal.start("--mouse");
        terminal.shows("Open findings");
        signal(name, &terminal.pid());
        terminal.ended_with("0");
    }
}

#[test]
fn suspended_it_gives_the_terminal_back_and_takes_it_again() {
    let Some(terminal) = Terminal::new("suspend", 80, 24) else { return };
    // Job control is the shell's, so that the dashboard is a job.
    terminal.line("set -m; stty -a >before");
    terminal.line(&format!("{} tui", env!("CARGO_BIN_EXE_wirelint")));
    terminal.shows("Open findings");
    terminal.keys(&["C-z"]);
    terminal.until(|picture| picture.contains("Stopped") && !picture.contains("[1 Overview]"));
    terminal.line("stty -a >after; echo st''opped");
    terminal.shows("stopped");
    let read = |name: &str| fs::read_to_string(terminal.path(name)).unwrap();
    assert_eq!(read("before"), read("after"), "the terminal is set as before");
    terminal.line("fg");
    terminal.shows("Open findings");
    signal("-TSTP", &terminal.pid());
    terminal.until(|picture| picture.contains("Stopped") && !picture.contains("[1 Overview]"));
    terminal.line("fg");
    terminal.shows("Open findings");
    terminal.keys(&["2"]);
    terminal.shows("[2 Findings");
    terminal.keys(&["q"]);
    terminal.until(|picture| !picture.contains("[2 Findings"));
}

#[test]
fn captures_are_read_shown_and_nothing_of_them_is_left() {
    let Some(terminal) = Terminal::new("captures", 100, 30) else { return };
    let place = terminal.path("temporary");
    fs::create_dir(&place).unwrap();
    terminal.line(&format!("export TMPDIR={}", place.display()));
    terminal.start(&sample(SAMPLES[0]));
    terminal.shows("Open findings");
    let folder = fs::read_dir(&place).unwrap().next().unwrap().unwrap().path();
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    terminal.keys(&["q"]);
    terminal.ended_with("0");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn a_capture_that_is_none_is_refused_where_errors_are_read() {
    let Some(terminal) = Terminal::new("refused", 80, 24) else { return };
    fs::write(terminal.path("notes.md"), "# notes").unwrap();
    terminal.start("notes.md");
    terminal.ended_with("2");
    terminal.shows("error[not-a-capture]");
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let run = |arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(sample(SAMPLES[0]), folder.path().join("x.pcapng")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_wirelint"))
            .current_dir(folder.path())
            .arg("tui")
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("error[input-missing]: there is no wirelint.db here to look at"),
        "{said}"
    );
    let (code, said) = run(&["x.pcapng"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("error[no-terminal]") && said.contains("wirelint check"), "{said}");
    let (code, said) = run(&["--theme", "neon"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("okabe-ito"), "{said}");
}
