//! What goes wrong while a watch goes on.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Lab, PATIENCE, Talk, wait_for};
use crate::lab::{Watch, ip};

/// Makes connections until what is waited for is so, and says how many.
fn talk_until(lab: &Lab, watch: &Watch, mut is_true: impl FnMut() -> bool) -> usize {
    let mut connections = 0;
    let done = wait_for(PATIENCE * 2, || {
        let mut talk = Talk::open(lab);
        talk.ask(lab, 2);
        talk.close();
        connections += 1;
        is_true()
    });
    assert!(done, "after {connections} connections: {}", watch.said());
    connections
}

const COUNT: &str = "select count(*) from v_sessions where end_state <> 'open'";

#[test]
#[ignore = "makes network namespaces and mounts a file system"]
fn a_disk_that_is_full_is_said_and_nothing_is_lost_when_there_is_room_again() {
    let Some(mut lab) = Lab::new("e") else { return };
    let place = lab.keep_on("3m");
    let watch = lab.watch(&["--keep-sessions", "all"]);
    let mut made = talk_until(&lab, &watch, || lab.query(COUNT) != "0");
    // All the room that there is.
    let filler = place.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    made += talk_until(&lab, &watch, || watch.said().contains("the disk is full"));
    assert!(watch.said().contains("storing is tried again"), "{}", watch.said());
    // It goes on meanwhile, and counts.
    watch.signal("-USR1");
    let counted = || watch.said().contains("; not stored: the disk is full");
    assert!(wait_for(PATIENCE, counted), "{}", watch.said());
    std::fs::remove_file(&filler).unwrap();
    assert!(wait_for(PATIENCE, || watch.said().contains("storing goes on")), "{}", watch.said());
    assert!(wait_for(PATIENCE, || lab.query(COUNT) == made.to_string()), "{}", watch.said());
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.query("select sessions, plaintext from v_runs"), format!("{made},{made}"));
    assert_eq!(lab.integrity(), "ok");
}

#[test]
#[ignore = "makes network namespaces and mounts a file system"]
fn a_disk_that_is_still_full_at_the_end_ends_with_its_code() {
    let Some(mut lab) = Lab::new("u") else { return };
    let place = lab.keep_on("3m");
    let watch = lab.watch(&["--keep-sessions", "all"]);
    talk_until(&lab, &watch, || lab.query(COUNT) != "0");
    let mut file = std::fs::File::create(place.join("filler")).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    talk_until(&lab, &watch, || watch.said().contains("the disk is full"));
    // Runs that end meanwhile wait as well, and none of them is waited for.
    for _ in 0..12 {
        let reloads = watch.said().matches("reloaded:").count();
        watch.signal("-HUP");
        let reloaded = || watch.said().matches("reloaded:").count() > reloads;
        assert!(wait_for(PATIENCE, reloaded), "{}", watch.said());
    }
    let begun = std::time::Instant::now();
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(6), "{said}");
    assert!(begun.elapsed() < PATIENCE / 3, "{said}");
    assert!(said.contains("sessions were not stored"), "{said}");
    assert!(said.contains("runs were not stored"), "{said}");
    assert_eq!(lab.integrity(), "ok");
}

#[test]
#[ignore = "makes network namespaces"]
fn a_database_that_another_program_locks_is_said_and_nothing_is_lost() {
    let Some(lab) = Lab::new("l") else { return };
    let watch = lab.watch(&["--keep-sessions", "all"]);
    let mut made = talk_until(&lab, &watch, || lab.query(COUNT) != "0");
    let hold = "import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE')
print('held', flush=True); sys.stdin.read(); c.execute('ROLLBACK')";
    let mut holder = Command::new("python3")
        .args(["-c", hold])
        .arg(lab.db())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    crate::lab::first_line(&mut holder, "held");
    made += talk_until(&lab, &watch, || watch.said().contains("warning[db-locked]"));
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert!(wait_for(PATIENCE, || watch.said().contains("storing goes on")), "{}", watch.said());
    assert!(wait_for(PATIENCE, || lab.query(COUNT) == made.to_string()), "{}", watch.said());
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.query("select sessions from v_runs"), made.to_string());
}

#[test]
#[ignore = "makes network namespaces"]
fn killed_while_it_writes_it_leaves_a_sound_file_with_everything_that_was_committed() {
    let Some(lab) = Lab::new("k") else { return };
    let mut kept = 0;
    for round in 1..=3 {
        let watch = lab.watch(&["--keep-sessions", "all"]);
        talk_until(&lab, &watch, || {
            lab.query(COUNT).parse::<usize>().is_ok_and(|now| now >= kept + 5)
        });
        let committed: usize = lab.query(COUNT).parse().unwrap();
        let (code, _) = watch.end("-KILL");
        assert_eq!(code, None);
        assert_eq!(lab.integrity(), "ok");
        kept = lab.query(COUNT).parse().unwrap();
        assert!(kept >= committed, "{kept} of {committed} are left");
        assert_eq!(lab.query("select count(*) from v_runs"), round.to_string());
    }
    let watch = lab.watch(&["--keep-sessions", "all"]);
    talk_until(&lab, &watch, || lab.query(COUNT).parse::<usize>().is_ok_and(|now| now > kept));
    assert_eq!(watch.end("-TERM").0, Some(0));
    assert_eq!(lab.query("select count(*) from v_runs where exit_code = 0"), "1");
}

/// Takes the wire away, and lays another one.
fn lay_anew(lab: &Lab) {
    let (here, there) = (lab.space("h"), lab.space("t"));
    let done = [
        format!("-n {here} link del v0"),
        format!("link add v0 netns {here} type veth peer name v1 netns {there}"),
        format!("-n {here} addr add 10.98.0.1/24 dev v0"),
        format!("-n {there} addr add 10.98.0.2/24 dev v1"),
        format!("-n {there} link set v1 up"),
        format!("-n {here} link set v0 up"),
    ];
    assert!(done.iter().all(|command| ip(command)));
}

#[test]
#[ignore = "makes network namespaces"]
fn an_interface_that_is_made_anew_ends_a_watch_that_may_not_open_it() {
    let Some(lab) = Lab::new("n") else { return };
    let watch = lab.watch(&[]);
    let mut talk = Talk::open(&lab);
    talk.ask(&lab, 2);
    talk.close();
    assert!(wait_for(PATIENCE, || lab.query(COUNT) == "1"), "{}", watch.said());
    lay_anew(&lab);
    let (code, said) = watch.wait();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("warning[interface-lost]: v0 was made anew"), "{said}");
    assert_eq!(lab.query("select sessions, plaintext from v_runs"), "1,1");
}

#[test]
#[ignore = "makes network namespaces"]
fn an_interface_that_is_made_anew_is_opened_anew_where_that_is_allowed() {
    let Some(lab) = Lab::new("o") else { return };
    let watch = lab.watch(&["--sandbox", "off"]);
    lay_anew(&lab);
    assert!(wait_for(PATIENCE, || watch.said().contains("v0 is back")), "{}", watch.said());
    talk_until(&lab, &watch, || lab.query("select count(*) from v_sessions") != "0");
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
}

/// Writes one readable connection into a device without a link layer, as soon as it is read.
const TUN: &str = r"
import fcntl, os, socket, struct, sys
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH', b'v0', 0x1001))
print('ready', flush=True); sys.stdin.readline()
def total(data):
    data += bytes(len(data) % 2)
    whole = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    whole = (whole >> 16) + (whole & 0xffff)
    return ~(whole + (whole >> 16)) & 0xffff
def send(source, target, ports, seq, ack, flags, data=b''):
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    tcp = struct.pack('!HHIIBBHHH', *ports, seq, ack, 0x50, flags, 65535, 0, 0) + data
    check = total(ends + struct.pack('!HH', 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack('!H', check) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ends
    os.write(tun, ip[:10] + struct.pack('!H', total(ip)) + ip[12:] + tcp)
ask, answer = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
def out(*more): send('10.97.0.7', '10.97.0.8', (4000, 80), *more)
def back(*more): send('10.97.0.8', '10.97.0.7', (80, 4000), *more)
out(100, 0, 2); back(500, 101, 18); out(101, 501, 16); out(101, 501, 24, ask)
back(501, 101 + len(ask), 24, answer); out(101 + len(ask), 501 + len(answer), 17)
back(501 + len(answer), 102 + len(ask), 17); out(102 + len(ask), 502 + len(answer), 16)
sys.stdin.readline()
";

#[test]
#[ignore = "makes network namespaces and a tunnel device"]
fn an_interface_that_comes_back_with_another_link_type_is_read_by_it() {
    let Some(lab) = Lab::new("y") else { return };
    let watch = lab.watch(&["--sandbox", "off"]);
    let here = lab.space("h");
    let made = [
        format!("-n {here} link del v0"),
        format!("-n {here} tuntap add dev v0 mode tun"),
        format!("-n {here} link set v0 up"),
    ];
    if !made.iter().all(|command| ip(command)) {
        return crate::lab::skipped("tunnel devices cannot be made here");
    }
    let mut tun = Command::new("ip")
        .args(["netns", "exec", &here, "python3", "-c", TUN])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    crate::lab::first_line(&mut tun, "ready");
    assert!(wait_for(PATIENCE, || watch.said().contains("v0 is back")), "{}", watch.said());
    tun.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    let seen = || lab.query("select server_port, posture from v_sessions") == "80,plaintext";
    assert!(wait_for(PATIENCE, seen), "{}", watch.said());
    drop(tun.stdin.take());
    tun.wait().unwrap();
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(lab.query("select link_types from source").contains("RAW"));
}
