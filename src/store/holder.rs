//! Who writes to a database at the moment, as far as the system tells: Linux lists the locks of files.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::model::escape_text;

/// The process that has the write lock of a database: its number, and its command line, which is empty where that is not
/// to be read. Escaped.
pub(super) fn holder(path: &Path) -> Option<(u32, String)> {
    let mut shared = path.to_path_buf().into_os_string();
    shared.push("-shm");
    // The lock is one of the file beside the database while that has a write-ahead log.
    let files = [PathBuf::from(shared), path.to_path_buf()];
    let inodes: Vec<u64> =
        files.iter().filter_map(|file| Some(fs::metadata(file).ok()?.ino())).collect();
    let locks = read_some("/proc/locks")?;
    let pid = locks.lines().find_map(|line| writer(line, &inodes))?;
    Some((pid, command(pid)))
}

/// The process of a line of `/proc/locks` that is an exclusive lock of one of these files:
/// `7: POSIX  ADVISORY  WRITE 4121 fe:01:1835061 120 120`.
fn writer(line: &str, inodes: &[u64]) -> Option<u32> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "WRITE").skip(1);
    let pid: u32 = words.next()?.parse().ok()?;
    let inode = words.next()?.rsplit(':').next()?.parse().ok()?;
    (inodes.contains(&inode) && pid != std::process::id() && pid != 0).then_some(pid)
}

fn command(pid: u32) -> String {
    let line = read_some(&format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split('\0').filter(|word| !word.is_empty());
    let line: String = words.collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
    escape_text(&line)
}

/// Characters shown of a command line.
const SHOWN: usize = 120;

/// Bytes read of a list of locks.
const MOST: u64 = 1 << 20;

fn read_some(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exclusive_locks_of_the_files_in_question_count() {
        let line = |kind: &str| format!("7: POSIX  ADVISORY  {kind} 4121 fe:01:1835061 120 120");
        assert_eq!(writer(&line("WRITE"), &[7, 1_835_061]), Some(4121));
        assert_eq!(writer(&line("READ "), &[1_835_061]), None);
        assert_eq!(writer(&line("WRITE"), &[7]), None);
        assert_eq!(writer("1: -> POSIX ADVISORY WRITE -1 00:2f:7 0 EOF", &[7]), None);
        assert_eq!(writer("", &[7]), None);
    }
}
