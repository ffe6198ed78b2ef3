//! The built program and a folder of its own to run in.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// What the program said and how it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder that the program runs in and that goes away.
pub(crate) struct Lab {
    folder: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders it is in.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// A copy of a sample.
    pub(crate) fn sample(&self, sample: &str, name: &str) -> &Self {
        self.file(name, sample_bytes(sample))
    }

    /// What a folder below holds, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The program with these arguments, in this folder and with no environment that could change what it says.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelint"));
        command.current_dir(self.folder.path()).env_clear().args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        run(self.command(arguments).output().unwrap())
    }

    /// Runs it with these bytes on a pipe as standard input.
    pub(crate) fn pipe<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8]) -> Run {
        let mut command = self.command(arguments);
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // What the program does not read to its end is no fault of the test.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        run(output)
    }
}

pub(crate) fn run(output: Output) -> Run {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    let code = output.status.code().expect("the program was killed");
    Run { code, out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    /// The run ended so, and standard error holds each of these lines as a whole.
    #[track_caller]
    pub(crate) fn says(&self, code: i32, lines: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        for line in lines {
            assert!(self.err.lines().any(|said| said == *line), "no line {line:?} in {self:#?}");
        }
        self
    }

    /// The run ended so, and neither stream says more than its contract allows when nothing was decided.
    #[track_caller]
    pub(crate) fn refuses(&self, code: i32, lines: &[&str]) -> &Self {
        assert_eq!(self.out, "", "a refusal is no result");
        self.says(code, lines)
    }

    #[track_caller]
    pub(crate) fn is_silent_on_stderr(&self) -> &Self {
        assert_eq!(self.err, "");
        self
    }
}

/// The bytes of a sample of this repository.
pub(crate) fn sample_bytes(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)).unwrap()
}

/// A sample without findings at the level that fails by default.
pub(crate) const GOOD: &str = "tls12-mutual.pcapng";

/// A sample with findings above it.
pub(crate) const BAD: &str = "grpc-plaintext.pcapng";
