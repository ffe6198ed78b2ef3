//! Kinds of wires: a mirror, tags, several at once. What the database says is compared with what was set up.

use super::{Lab, PATIENCE, Talk, wait_for};
use crate::lab::{ip, skipped};

const MUTUAL: [&str; 4] = ["-cert", "client.pem", "-key", "client.key"];

#[test]
#[ignore = "makes network namespaces"]
fn a_mirror_shows_who_is_mutual_who_is_not_and_who_is_readable() {
    let Some(mut lab) = Lab::new("m") else { return };
    if !mirror(&lab) {
        return;
    }
    lab.serve_tls(9442, &["-tls1_2", "-Verify", "1"]);
    lab.serve_tls(9443, &["-tls1_3", "-Verify", "1"]);
    lab.serve_tls(9444, &["-tls1_2"]);
    lab.serve_tls(9445, &["-tls1_3"]);
    let watch = lab.watch_at("m", &["-i", "m0", "--keep-sessions", "all"]);
    for (port, times, options) in
        [(9442, 3, &MUTUAL[..]), (9443, 2, &MUTUAL), (9444, 4, &[]), (9445, 1, &[])]
    {
        for _ in 0..times {
            assert!(lab.ask_tls(port, options), "no answer at {port}");
        }
    }
    for _ in 0..5 {
        let mut talk = Talk::open(&lab);
        talk.ask(&lab, 2);
        talk.close();
    }
    let totals = "select sessions, mtls, tls, plaintext, dropped from v_runs";
    let told = || lab.query(totals) == "15,5,5,5,0";
    assert!(wait_for(PATIENCE, told), "{}: {}", lab.query(totals), watch.said());
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.query(totals), "15,5,5,5,0");
    assert_eq!(
        lab.query(
            "select server_port, posture, evidence, client_auth, count(*) from v_sessions \
             group by 1, 2, 3, 4 order by 1"
        ),
        "8080,plaintext,observed,,5\n9442,mtls,observed,presented,3\n9443,mtls,inferred,presented,2\n\
         9444,tls,observed,not-requested,4\n9445,tls,inferred,not-requested,1"
    );
    assert_eq!(lab.query("select count from v_findings where rule = 'WL1001'"), "5");
    let shown = "select count(*) from v_certificates where subject like '%client.lab%'";
    assert_eq!(lab.query(shown), "1");
}

/// Gives a third namespace, whose `m0` sees only copies, all that passes the far end: by `tc` where the kernel can, else by a
/// bridge that forgets at once where its ends are, as a hub.
fn mirror(lab: &Lab) -> bool {
    let (there, sensor) = (lab.space("t"), lab.space("m"));
    let made = [
        format!("netns add {sensor}"),
        format!("link add m1 netns {there} type veth peer name m0 netns {sensor}"),
        format!("-n {there} link set m1 up"),
        format!("-n {sensor} link set m0 up"),
    ];
    assert!(made.iter().all(|command| ip(command)));
    let tc = |line: &str| {
        let mut tc = lab.inside("t", "tc");
        tc.args(line.split(' ')).stderr(std::process::Stdio::null()).status().unwrap().success()
    };
    let copies = |way: &str| {
        tc(&format!("filter add dev v1 {way} matchall action mirred egress mirror dev m1"))
    };
    if tc("qdisc add dev v1 clsact") && copies("ingress") && copies("egress") {
        return true;
    }
    let here = lab.space("h");
    let hub = [
        format!("-n {there} link del m1"),
        format!("-n {here} link del v0"),
        format!("link add v0 netns {here} type veth peer name end0 netns {sensor}"),
        format!("link add v1 netns {there} type veth peer name end1 netns {sensor}"),
        format!("-n {sensor} link add m0 type veth peer name port"),
        format!("-n {sensor} link add hub type bridge ageing_time 0"),
        format!("-n {sensor} link set end0 master hub"),
        format!("-n {sensor} link set end1 master hub"),
        format!("-n {sensor} link set port master hub"),
        format!("-n {sensor} link set end0 up"),
        format!("-n {sensor} link set end1 up"),
        format!("-n {sensor} link set port up"),
        format!("-n {sensor} link set hub up"),
        format!("-n {sensor} link set m0 up"),
        format!("-n {here} addr add 10.98.0.1/24 dev v0"),
        format!("-n {there} addr add 10.98.0.2/24 dev v1"),
        format!("-n {there} link set v1 up"),
        format!("-n {here} link set v0 up"),
    ];
    let made = hub.iter().all(|command| ip(command));
    if !made {
        skipped("neither tc nor bridges can copy packets here");
    }
    made
}

/// Sends these frames from the far end.
const SEND: &str = "
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('v1', 0))
for line in sys.stdin: s.send(bytes.fromhex(line.strip()))
";

/// A whole exchange in readable HTTP between two addresses that nobody has, as frames with a tag.
fn tagged(tag: u16) -> Vec<Vec<u8>> {
    let frame = |to_server: bool, seq: u32, ack: u32, flags: u8, payload: &[u8]| {
        let (from, to, ports) = match to_server {
            true => (1, 2, [40_000u16, 8080]),
            false => (2, 1, [8080u16, 40_000]),
        };
        let mut bytes = vec![2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 0x81, 0];
        bytes.extend(tag.to_be_bytes());
        bytes.extend([8, 0, 0x45, 0]);
        bytes.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
        bytes.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 10, 98, 7, from, 10, 98, 7, to]);
        bytes.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        bytes.extend(seq.to_be_bytes());
        bytes.extend(ack.to_be_bytes());
        bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(payload);
        bytes
    };
    let (request, answer) =
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (asked, told) = (1 + request.len() as u32, 1 + answer.len() as u32);
    vec![
        frame(true, 0, 0, 0x02, b""),
        frame(false, 0, 1, 0x12, b""),
        frame(true, 1, 1, 0x18, request),
        frame(false, 1, asked, 0x18, answer),
        frame(true, asked, told, 0x11, b""),
        frame(false, told, asked + 1, 0x11, b""),
        frame(true, asked + 1, told + 1, 0x10, b""),
    ]
}

#[test]
#[ignore = "makes network namespaces"]
fn tags_are_kept_and_read_through() {
    let Some(lab) = Lab::new("v") else { return };
    let watch = lab.watch(&[]);
    let mut talk = Talk::open(&lab);
    talk.ask(&lab, 2);
    talk.close();
    let mut sender = lab
        .inside("t", "python3")
        .args(["-c", SEND])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    for frame in tagged(7) {
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        std::io::Write::write_all(sender.stdin.as_mut().unwrap(), format!("{hex}\n").as_bytes())
            .unwrap();
    }
    drop(sender.stdin.take());
    assert!(sender.wait().unwrap().success());
    let closed = "select count(*) from v_sessions where end_state = 'fin'";
    assert!(wait_for(PATIENCE, || lab.query(closed) == "2"), "{}", watch.said());
    assert_eq!(watch.end("-TERM").0, Some(0));
    let tags = "select s.vlan, v.server_ip, v.posture from v_sessions v \
                join session s on s.session_id = v.session_id order by 2";
    assert_eq!(lab.query(tags), ",10.98.0.2,plaintext\n7,10.98.7.2,plaintext");
}

#[test]
#[ignore = "makes network namespaces"]
fn several_interfaces_are_one_run_and_one_that_goes_away_does_not_hold_up_the_others() {
    let Some(mut lab) = Lab::new("s") else { return };
    let (here, there) = (lab.space("h"), lab.space("t"));
    let made = [
        format!("link add w0 netns {here} type veth peer name w1 netns {there}"),
        format!("-n {here} addr add 10.98.9.1/24 dev w0"),
        format!("-n {there} addr add 10.98.9.2/24 dev w1"),
        format!("-n {there} link set w1 up"),
        format!("-n {here} link set w0 up"),
    ];
    assert!(made.iter().all(|command| ip(command)));
    lab.serve("10.98.9.2");
    let watch = lab.watch(&["-i", "w0"]);
    let ask = |address: &str| {
        let mut talk = Talk::to(&lab, address);
        talk.ask(&lab, 2);
        talk.close();
    };
    ask("10.98.0.2");
    ask("10.98.9.2");
    assert!(wait_for(PATIENCE, || lab.query("select count(*) from v_sessions") == "2"));
    lab.link("down");
    assert!(wait_for(PATIENCE, || watch.said().contains("v0 went away")), "{}", watch.said());
    ask("10.98.9.2");
    assert!(wait_for(PATIENCE, || lab.query("select count(*) from v_sessions") == "3"));
    let (code, said) = watch.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("v0 went away once, and is away now"), "{said}");
    assert_eq!(lab.query("select sessions, plaintext from v_runs"), "3,3");
}
