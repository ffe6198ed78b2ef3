//! Two namespaces, a wire, a server and a client within them, and the program that watches.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Where the server is that every lab has.
pub(crate) const SERVER_ADDRESS: &str = "10.98.0.2";

/// Two namespaces with a wire between them.
pub(crate) struct Lab {
    name: String,
    folder: tempfile::TempDir,
    servers: Vec<Child>,
    db: PathBuf,
    mounted: Option<PathBuf>,
}

const SERVER: &str = "
import socket, sys, threading
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 8080)); s.listen(9); print('ready', flush=True)
def serve(c):
    while c.recv(4096): c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
";

const CLIENT: &str = "
import socket, sys
c = socket.create_connection((sys.argv[1], 8080)); print('ready', flush=True)
for line in sys.stdin:
    c.sendall(b'GET /orders HTTP/1.1\\r\\nHost: orders\\r\\n\\r\\n'); c.recv(4096); print('asked', flush=True)
c.close()
";

impl Lab {
    /// Makes one; `None`, said, where this process may not.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = format!("wl{}{name}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("w.db");
        let mut lab = Self { name, folder, servers: Vec::new(), db, mounted: None };
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
            skipped("network namespaces cannot be made here");
            return None;
        }
        lab.serve(SERVER_ADDRESS);
        Some(lab)
    }

    /// Begins a server without TLS at an address of the far end.
    pub(crate) fn serve(&mut self, address: &str) {
        let mut server = self.inside("t", "python3");
        let mut server =
            server.args(["-c", SERVER, address]).stdout(Stdio::piped()).spawn().unwrap();
        first_line(&mut server, "ready");
        self.servers.push(server);
    }

    /// Begins `openssl s_server` at the far end, with these options.
    pub(crate) fn serve_tls(&mut self, port: u16, options: &[&str]) {
        self.certificates();
        let server = self
            .inside("t", "openssl")
            .args(["s_server", "-www", "-cert", "server.pem", "-key", "server.key"])
            .args(["-CAfile", "ca.pem", "-accept", &port.to_string()])
            .args(options)
            .current_dir(self.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.servers.push(server);
        let port = format!(":{port}");
        let listens = || {
            let sockets = self.inside("t", "ss").args(["-Hltn"]).output().unwrap();
            String::from_utf8_lossy(&sockets.stdout).contains(&port)
        };
        assert!(wait_for(Duration::from_secs(20), listens), "no server at {port}");
    }

    /// One request over TLS; whether it was answered.
    pub(crate) fn ask_tls(&self, port: u16, options: &[&str]) -> bool {
        let mut client = self
            .inside("h", "openssl")
            .args(["s_client", "-quiet", "-connect", &format!("{SERVER_ADDRESS}:{port}")])
            .args(options)
            .current_dir(self.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = client.stdin.as_mut().unwrap();
        std::io::Write::write_all(stdin, b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        client.stdout.take().unwrap().read_to_end(&mut answer).unwrap();
        client.wait().unwrap();
        !answer.is_empty()
    }

    /// Makes an authority, and certificates of a server and a client.
    fn certificates(&self) {
        if self.folder().join("ca.pem").exists() {
            return;
        }
        let openssl = |line: &str| {
            let made = Command::new("openssl")
                .args(line.split(' '))
                .current_dir(self.folder())
                .stderr(Stdio::null())
                .status();
            assert!(made.unwrap().success(), "openssl {line}");
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=lab -days 30"));
        for name in ["server", "client"] {
            openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}.lab"));
            openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out {name}.pem"
            ));
        }
    }

    /// Keeps the database on a file system of this size from here on.
    pub(crate) fn keep_on(&mut self, size: &str) -> PathBuf {
        let place = self.folder().join("small");
        std::fs::create_dir(&place).unwrap();
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        assert!(mounted.arg(&place).status().unwrap().success());
        self.db = place.join("w.db");
        self.mounted = Some(place.clone());
        place
    }

    /// What SQLite says of the file.
    pub(crate) fn integrity(&self) -> String {
        let check = "import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchone()[0])";
        let output = Command::new("python3").args(["-c", check]).arg(&self.db).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn space(&self, end: &str) -> String {
        format!("{}{end}", self.name)
    }

    /// A program in one of the namespaces.
    pub(crate) fn inside(&self, end: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(end), program]);
        command
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn db(&self) -> &Path {
        &self.db
    }

    /// Takes the wire's near end down or up.
    pub(crate) fn link(&self, state: &str) {
        assert!(ip(&format!("-n {} link set v0 {state}", self.space("h"))));
    }

    /// Watches the wire's near end.
    pub(crate) fn watch(&self, more: &[&str]) -> Watch {
        self.watch_at("h", &[&["-i", "v0"], more].concat())
    }

    /// Watches interfaces of a namespace.
    pub(crate) fn watch_at(&self, end: &str, more: &[&str]) -> Watch {
        let mut child = self
            .inside(end, env!("CARGO_BIN_EXE_wirelint"))
            .args(["watch", "--format", "none", "--stats-interval", "60s", "--db"])
            .arg(&self.db)
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, mut err) = (Arc::clone(&said), child.stderr.take().unwrap());
        let listener = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = err.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
        });
        let watch = Watch { child, said, listener: Some(listener) };
        assert!(
            wait_for(Duration::from_secs(20), || watch.said().contains("watching")),
            "{}",
            watch.said()
        );
        assert!(wait_for(Duration::from_secs(20), || watch.captures()), "{}", watch.said());
        watch
    }

    /// One answer of the database, its rows on lines.
    pub(crate) fn query(&self, sql: &str) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_wirelint"))
            .args(["db", "query", "--format", "csv", sql, "--db"])
            .arg(&self.db)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().skip(1).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _gone = server.kill();
            let _status = server.wait();
        }
        if let Some(place) = &self.mounted {
            let _status = Command::new("umount").arg("-l").arg(place).status();
        }
        ip(&format!("netns del {}", self.space("m")));
        ip(&format!("netns del {}", self.space("h")));
        ip(&format!("netns del {}", self.space("t")));
    }
}

/// The program at work.
pub(crate) struct Watch {
    child: Child,
    said: Arc<Mutex<String>>,
    listener: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Whether its threads have begun: the one that reads the interface is there.
    fn captures(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        tasks.into_iter().flatten().flatten().any(|task| {
            std::fs::read_to_string(task.path().join("comm"))
                .is_ok_and(|name| name.starts_with("capture-"))
        })
    }

    /// Waits until it ends by itself, and gives its exit code and what it said.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        assert!(wait_for(Duration::from_secs(60), || self.child.try_wait().unwrap().is_some()));
        let code = self.child.wait().unwrap().code();
        (code, self.heard())
    }

    /// What it said until it ended.
    fn heard(&mut self) -> String {
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        self.said()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it, and gives its exit code and what it said.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let code = self.child.wait().unwrap().code();
        (code, self.heard())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A client's connection.
pub(crate) struct Talk {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Talk {
    pub(crate) fn open(lab: &Lab) -> Self {
        Self::to(lab, SERVER_ADDRESS)
    }

    pub(crate) fn to(lab: &Lab, address: &str) -> Self {
        let mut child = lab
            .inside("h", "python3")
            .args(["-c", CLIENT, address])
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

/// Says that a test could not be made here, and why.
pub(crate) fn skipped(why: &str) {
    std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: {why}\n").as_bytes())
        .unwrap();
}

/// Runs `ip` with these words.
pub(crate) fn ip(command: &str) -> bool {
    let done = Command::new("ip").args(command.split(' ')).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

/// Waits for a program to say this first.
pub(crate) fn first_line(child: &mut Child, expected: &str) {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), expected);
}
