//! Two namespaces, a wire, a server and a client within them, and the program that watches.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Two namespaces with a wire between them.
pub(crate) struct Lab {
    name: String,
    folder: tempfile::TempDir,
    server: Option<Child>,
}

const SERVER: &str = "
import socket, threading
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('10.98.0.2', 8080)); s.listen(9); print('ready', flush=True)
def serve(c):
    while c.recv(4096): c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
";

const CLIENT: &str = "
import socket, sys
c = socket.create_connection(('10.98.0.2', 8080)); print('ready', flush=True)
for line in sys.stdin:
    c.sendall(b'GET /orders HTTP/1.1\\r\\nHost: orders\\r\\n\\r\\n'); c.recv(4096); print('asked', flush=True)
c.close()
";

impl Lab {
    /// Makes one; `None`, said, where this process may not.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = format!("wl{}{name}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let mut lab = Self { name, folder, server: None };
        let (here, there) = (lab.space("h"), lab.space("t"));
        let made = [
            format!("netns add {here}"),
            format!("netns add {there}"),
            format!("link add v0 netns {here} type veth peer name v1 netns {there}"),
            format!("-n {here} addr add 10.98.0.1/24 dev v0"),
            format!("-n {there} addr add 10.98.0.2/24 dev v1"),
            format!("-n {there} link set v1 up"),
            format!("-n {here} link set v0 up"),
        ];
        if !made.iter().all(|command| ip(command)) {
            let skipped = "SKIPPED: network namespaces cannot be made here";
            std::io::Write::write_all(&mut std::io::stderr(), skipped.as_bytes()).unwrap();
            return None;
        }
        let mut server =
            lab.inside("t", "python3").args(["-c", SERVER]).stdout(Stdio::piped()).spawn().unwrap();
        first_line(&mut server);
        lab.server = Some(server);
        Some(lab)
    }

    fn space(&self, end: &str) -> String {
        format!("{}{end}", self.name)
    }

    /// A program in one of the namespaces.
    fn inside(&self, end: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(end), program]);
        command
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn db(&self) -> PathBuf {
        self.folder().join("w.db")
    }

    /// Takes the wire's near end down or up.
    pub(crate) fn link(&self, state: &str) {
        assert!(ip(&format!("-n {} link set v0 {state}", self.space("h"))));
    }

    /// Watches the wire's near end.
    pub(crate) fn watch(&self, more: &[&str]) -> Watch {
        let mut child = self
            .inside("h", env!("CARGO_BIN_EXE_wirelint"))
            .args(["watch", "-i", "v0", "--format", "none", "--stats-interval", "60s", "--db"])
            .arg(self.db())
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, mut err) = (Arc::clone(&said), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = err.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
        });
        let watch = Watch { child, said };
        assert!(
            wait_for(Duration::from_secs(20), || watch.said().contains("watching")),
            "{}",
            watch.said()
        );
        // Its threads begin right after it said so.
        std::thread::sleep(Duration::from_millis(500));
        watch
    }

    /// One answer of the database, its rows on lines.
    pub(crate) fn query(&self, sql: &str) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_wirelint"))
            .args(["db", "query", "--format", "csv", sql, "--db"])
            .arg(self.db())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().skip(1).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _gone = server.kill();
            let _status = server.wait();
        }
        ip(&format!("netns del {}", self.space("h")));
        ip(&format!("netns del {}", self.space("t")));
    }
}

/// The program at work.
pub(crate) struct Watch {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Watch {
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it, and gives its exit code and what it said.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let code = self.child.wait().unwrap().code();
        std::thread::sleep(Duration::from_millis(100));
        (code, self.said())
    }
}

/// A client's connection.
pub(crate) struct Talk {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Talk {
    pub(crate) fn open(lab: &Lab) -> Self {
        let mut child = lab
            .inside("h", "python3")
            .args(["-c", CLIENT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self { child, out }
    }

    /// Makes requests, and waits for their answers.
    pub(crate) fn ask(&mut self, _: &Lab, times: usize) {
        for _ in 0..times {
            let stdin = self.child.stdin.as_mut().unwrap();
            std::io::Write::write_all(stdin, b"ask\n").unwrap();
            let mut line = String::new();
            self.out.read_line(&mut line).unwrap();
            assert_eq!(line.trim(), "asked");
        }
    }

    pub(crate) fn close(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// Waits until something is true.
pub(crate) fn wait_for(patience: Duration, mut is_true: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if is_true() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

fn ip(command: &str) -> bool {
    let done = Command::new("ip").args(command.split(' ')).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

fn first_line(child: &mut Child) {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready");
}
