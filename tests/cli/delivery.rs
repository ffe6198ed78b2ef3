//! Metrics, receivers and the service manager of `watch`, from the outside: a capture through a pipe, receivers on this
//! machine, no privilege.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A capture with findings.
const SAMPLE: &str = "samples/mixed-posture.pcapng";

const PATIENCE: Duration = Duration::from_secs(60);

/// A watch that reads what is written into it.
struct Watch {
    child: Child,
    input: Option<ChildStdin>,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
    folder: PathBuf,
}

impl Watch {
    fn begin(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelint"));
        command.current_dir(folder).env_clear().envs(variables.iter().copied());
        command.args(["watch", "-r", "-", "--format", "none"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (error, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        let listener = thread::spawn(move || {
            for line in BufReader::new(error).lines().map_while(Result::ok) {
                heard.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let input = child.stdin.take();
        Self { child, input, said, listener: Some(listener), folder: folder.to_owned() }
    }

    /// Has it read a capture, after which it waits for more.
    fn reads_the_sample(&mut self) {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLE);
        let input = self.input.as_mut().unwrap();
        input.write_all(&fs::read(sample).unwrap()).unwrap();
        input.flush().unwrap();
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn wait_for(&self, what: &str) {
        wait_until(|| self.said().contains(what), || format!("{what}: {}", self.said()));
    }

    fn metrics(&self) -> String {
        self.wait_for("metrics at http://");
        let said = self.said();
        let address = said.split_once("http://").unwrap().1.split_once('/').unwrap().0;
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    fn wait_for_metric(&self, is_so: impl Fn(&str) -> bool) -> String {
        wait_until(|| is_so(&self.metrics()), || self.metrics());
        self.metrics()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Ends it by the end of its input.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let code = self.child.wait().unwrap().code();
        self.listener.take().unwrap().join().unwrap();
        (code, self.said())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn wait_until(is_so: impl Fn() -> bool, what: impl Fn() -> String) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{}", what());
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// A webhook that takes everything, with the heads and bodies that it was sent.
fn hook(listener: TcpListener) -> Receiver<(String, Value)> {
    let (tell, inbox) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let length = head.split_once("Content-Length: ").unwrap().1;
            let mut body = vec![0; length.split_once('\r').unwrap().0.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            if tell.send((head, serde_json::from_slice(&body).unwrap())).is_err() {
                return;
            }
        }
    });
    inbox
}

fn findings(inbox: &Receiver<(String, Value)>, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        let (_, body) = inbox.recv_timeout(PATIENCE).unwrap();
        let ids = body["events"].as_array().unwrap().iter();
        all.extend(ids.map(|event| event["finding"]["id"].as_str().unwrap().to_owned()));
    }
    all
}

fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok())
}

const WAITING: &str = "wirelint_delivery_queue_events{receiver=\"webhook\"}";

#[test]
fn after_kill_9_a_receiver_that_was_away_gets_everything_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{away}/hook");
    let arguments =
        ["--db", "w.db", "--metrics", "127.0.0.1:0", "--webhook", &url, "--stats-interval", "0s"];
    let mut watch = Watch::begin(folder.path(), &arguments, &[]);
    watch.reads_the_sample();
    let metrics = watch.wait_for_metric(|page| {
        value(page, WAITING).is_some_and(|waiting| waiting > 0.0)
            && value(page, "wirelint_findings{rule=\"WL1001\",severity=\"high\"}").is_some()
    });
    watch.wait_for("delivery-down");
    let waiting = value(&metrics, WAITING).unwrap();
    watch.signal("-KILL");
    watch.child.wait().unwrap();
    // Another watch, which sees nothing of its own.
    let inbox = hook(TcpListener::bind(away).unwrap());
    let again = Watch::begin(folder.path(), &arguments, &[]);
    let all = findings(&inbox, waiting as usize);
    assert_eq!(all.len() as f64, waiting);
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), all.len());
    again.wait_for_metric(|page| value(page, WAITING) == Some(0.0));
    let (code, said) = again.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("undelivered"), "{said}");
}

#[test]
fn the_header_of_a_webhook_is_sent_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("h"), "Authorization: Bearer s3cret\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/p4th", listener.local_addr().unwrap());
    let inbox = hook(listener);
    let arguments = ["--webhook", &url, "--webhook-header-file", "h", "--deliver", "all"];
    let mut watch = Watch::begin(folder.path(), &arguments, &[]);
    watch.reads_the_sample();
    let (head, body) = inbox.recv_timeout(PATIENCE).unwrap();
    assert!(head.contains("\r\nAuthorization: Bearer s3cret\r\n"), "{head}");
    assert_eq!(body["events"][0]["event_type"], "run");
    let (code, said) = watch.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("spool-memory") && !said.contains("s3cret"), "{said}");
    assert!(!said.contains("p4th"), "{said}");
}

#[test]
fn what_is_wrong_with_a_receiver_is_said_before_anything_begins() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("h"), "s3cret without a name").unwrap();
    let hook = "https://h/";
    for (arguments, code, said) in [
        (vec!["--syslog", "logs:514"], 2, "error[syslog]"),
        (vec!["--webhook", "https://user:s3cret@h/"], 2, "error[webhook]"),
        (vec!["--webhook", hook, "--webhook-header-file", "h"], 2, "error[webhook-header]"),
        (vec!["--webhook", hook, "--webhook-ca", "none.pem"], 2, "error[delivery-tls]"),
        (vec!["--webhook", hook, "--client-cert", "x"], 2, "error[client-certificate]"),
        (vec!["--rotate-age", "1h"], 2, "error[events]"),
        (vec!["--metrics", "192.0.2.1:1"], 5, "error[metrics]"),
    ] {
        let watch = Watch::begin(folder.path(), &arguments, &[]);
        let (ended, words) = watch.end();
        assert_eq!(ended, Some(code), "{words}");
        assert!(words.contains(said) && words.contains("help"), "{words}");
        assert!(!words.contains("s3cret"), "{words}");
    }
}

#[test]
fn a_sandboxed_watch_delivers_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://localhost:{}", listener.local_addr().unwrap().port());
    let arguments = ["--syslog", &url, "--db", "w.db", "--metrics", "127.0.0.1:0"];
    let mut watch = Watch::begin(folder.path(), &arguments, &[]);
    watch.reads_the_sample();
    let (mut stream, _) = listener.accept().unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    drop(stream);
    let (length, rest) = text.split_once(' ').unwrap();
    let length: usize = length.parse().unwrap();
    assert!(rest[..length].contains(" finding [meta sequenceId=\"1\"][wirelint@32473 id=\"wlf1:"));
    let sent = "wirelint_delivery_sent_events_total{receiver=\"syslog\"}";
    let metrics = watch.wait_for_metric(|page| value(page, sent).is_some_and(|sent| sent > 0.0));
    assert_eq!(value(&metrics, "wirelint_ready"), Some(1.0));
    check_with_promtool(&metrics);
    let (code, said) = watch.end();
    assert_eq!(code, Some(0), "{said}");
}

/// Asks the linter of Prometheus itself, where it is installed.
fn check_with_promtool(metrics: &str) {
    let program = std::env::var("PROMTOOL").unwrap_or_else(|_| "promtool".to_owned());
    let mut command = Command::new(program);
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.stdout(Stdio::piped()).spawn() else { return };
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_service_manager_is_told_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let hears = |wanted: &str| loop {
        let mut bytes = [0; 1024];
        let length = manager.recv(&mut bytes).unwrap_or_else(|error| panic!("{wanted}: {error}"));
        if String::from_utf8_lossy(&bytes[..length]).starts_with(wanted) {
            return;
        }
    };
    let socket = path.to_str().unwrap();
    let variables = [("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "200000")];
    let watch = Watch::begin(folder.path(), &["--db", "w.db"], &variables);
    for wanted in ["READY=1", "WATCHDOG=1", "WATCHDOG=1"] {
        hears(wanted);
    }
    watch.signal("-HUP");
    for wanted in ["RELOADING=1\nMONOTONIC_USEC=", "READY=1"] {
        hears(wanted);
    }
    watch.signal("-USR1");
    hears("STATUS=stats: ");
    watch.signal("-TERM");
    hears("STOPPING=1");
    assert_eq!(watch.end().0, Some(0));
}

#[test]
fn events_go_on_in_a_new_file_when_the_old_one_was_moved_away() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--events", "e", "--metrics-textfile", "m.prom", "--stats-interval", "0s"];
    let mut watch = Watch::begin(folder.path(), &arguments, &[]);
    watch.reads_the_sample();
    let lines = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    wait_until(|| lines("e").contains("\"finding\""), || lines("e"));
    fs::rename(watch.path("e"), watch.path("e.old")).unwrap();
    watch.signal("-HUP");
    wait_until(|| lines("e").contains("\"stats\""), || watch.said());
    assert!(lines("e").starts_with("{\"schema\":\"wirelint.event/1\",\"timestamp\""));
    assert_eq!(watch.end().0, Some(0));
    assert!(lines("m.prom").contains("\nwirelint_packets_total{"), "{}", lines("m.prom"));
    for line in [lines("e"), lines("e.old")].concat().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}
