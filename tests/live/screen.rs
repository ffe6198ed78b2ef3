//! The dashboard over a capture: in the same process, and over the database of a watch elsewhere.

use std::process::Command;

use super::{Lab, PATIENCE, Talk, wait_for};

/// A terminal, which is one of tmux.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// One that runs a command of the shell, and then a shell; nothing where there is no tmux.
    fn running(lab: &Lab, command: &str) -> Option<Self> {
        let terminal = Self { socket: lab.space("x") };
        let folder = lab.folder().to_str().unwrap();
        let line = format!("{command}; echo code $?; PS1='$ ' exec sh");
        let begin = ["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "-c", folder];
        terminal.tmux(&[&begin[..], &[&line]].concat()).map(|_| terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Option<String> {
        let mut tmux = Command::new("tmux");
        tmux.env_remove("TMUX").env("LC_ALL", "C.UTF-8").env("TMPDIR", "/tmp");
        let output = tmux.args(["-L", &self.socket]).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "0"], keys].concat()).unwrap();
    }

    fn picture(&self) -> String {
        self.tmux(&["capture-pane", "-t", "0", "-p"]).unwrap_or_default()
    }

    #[track_caller]
    fn shows(&self, text: &str) -> String {
        let mut picture = String::new();
        let shown = wait_for(PATIENCE, || {
            picture = self.picture();
            picture.contains(text)
        });
        assert!(shown, "no {text} on the screen:\n{picture}");
        picture
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
#[ignore = "makes network namespaces"]
fn an_interface_is_captured_and_shown_by_one_process_with_no_privileges() {
    let Some(lab) = Lab::new("i") else { return };
    let temporary = lab.folder().join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let (space, program) = (lab.space("h"), env!("CARGO_BIN_EXE_wirelint"));
    let place = temporary.display();
    let command = format!("TMPDIR={place} ip netns exec {space} {program} tui -i v0");
    let Some(terminal) = Terminal::running(&lab, &command) else { return };
    terminal.shows("v0 * live");
    let folders = || std::fs::read_dir(&temporary).unwrap().count();
    assert_eq!(folders(), 1);
    for sessions in 1..=2 {
        let mut talk = Talk::open(&lab);
        talk.ask(&lab, 2);
        talk.close();
        terminal.shows(&format!("Posture: {sessions} session"));
    }
    let shell = terminal.tmux(&["display-message", "-t", "0", "-p", "#{pane_pid}"]).unwrap();
    let children =
        Command::new("ps").args(["-o", "pid=,comm=", "--ppid", shell.trim()]).output().unwrap();
    let children = String::from_utf8(children.stdout).unwrap();
    let pid = children.lines().find(|line| line.contains("wirelint")).unwrap();
    let pid = pid.split_whitespace().next().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line} in\n{status}");
    }
    terminal.keys(&["7"]);
    terminal.shows("lost by the kernel 0");
    lab.link("down");
    terminal.shows("away: v0 (it is tried again)");
    terminal.shows("v0 * AWAY");
    lab.link("up");
    terminal.shows("v0 * live");
    terminal.keys(&["q"]);
    let picture = terminal.shows("code 0");
    assert!(picture.contains("2 sessions (2 plaintext)"), "{picture}");
    assert!(picture.contains("v0 went away once"), "{picture}");
    assert_eq!(folders(), 0, "nothing is left");
}

#[test]
#[ignore = "makes network namespaces"]
fn a_watch_elsewhere_is_looked_at_while_it_writes_and_is_not_held_up() {
    let Some(lab) = Lab::new("w") else { return };
    let watch = lab.watch(&["--keep-sessions", "all"]);
    let command = format!("{} tui --db w.db", env!("CARGO_BIN_EXE_wirelint"));
    let Some(terminal) = Terminal::running(&lab, &command) else { return };
    terminal.shows("[1 Overview]");
    let mut torn = Vec::new();
    for sessions in 1..=20 {
        let mut talk = Talk::open(&lab);
        talk.ask(&lab, 2);
        talk.close();
        let picture = terminal.picture();
        if sessions % 10 == 0 {
            terminal.shows(&format!("Posture: {sessions} sessions"));
        }
        // Every picture is whole, whenever it is taken.
        if !(picture.contains("[1 Overview]") && picture.contains("q quit")) {
            torn.push(picture);
        }
    }
    assert!(torn.is_empty(), "{torn:#?}");
    terminal.keys(&["6"]);
    terminal.shows("Sessions 20");
    terminal.keys(&["q"]);
    terminal.shows("code 0");
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("not stored") && !said.contains("db-locked"), "{said}");
    assert_eq!(lab.query("select sessions from v_runs"), "20");
}
