//! How long drawing and asking take, with a database that `benches/make_database.py` filled.
//!
//! Not run by itself: `WIRELINT_BIG_DB=big.db cargo test --lib tui::tests::speed -- --ignored --nocapture`.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::*;
use crate::store::view::{Anchor, Filter, ListName, PageRequest, list};

fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

fn median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() - 1])
}

#[test]
#[ignore = "needs a database of a million sessions"]
fn with_a_million_sessions() {
    let path = PathBuf::from(std::env::var_os("WIRELINT_BIG_DB").unwrap());
    let mut stage = Stage::at(path, Size { width: 200, height: 60 });
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    for number in 1..=7 {
        stage.keys(&format!("{number}"));
        let times = (0..200).map(|_| {
            let begun = Instant::now();
            terminal.draw(|frame| view(&stage.model, frame)).unwrap();
            begun.elapsed()
        });
        let (middle, longest) = median(times.collect());
        say(&format!("draw screen {number}: median {middle:?}, longest {longest:?}"));
        assert!(middle < Duration::from_millis(16));
    }
    let begun = Instant::now();
    stage.reader.overview().unwrap();
    say(&format!("overview: {:?}", begun.elapsed()));
    let asked = [
        (ListName::Findings, "state == open", "severity"),
        (ListName::Findings, "severity >= high server.service:service-7", "packet.time"),
        (ListName::Findings, "message:99999", "severity"),
        (ListName::Services, "", "finding.open"),
        (ListName::Edges, "", "edge.posture"),
        (ListName::Edges, "edge.mutual == some", "edge.bytes"),
        (ListName::Certificates, "", "cert.days_left"),
        (ListName::Sessions, "", "packet.time"),
        (ListName::Sessions, "session.posture == plaintext", "packet.time"),
        (ListName::Sessions, "server.service == service-7.bench", "packet.time"),
        (ListName::Sessions, "sni:host-77", "packet.time"),
        (ListName::Sessions, "", "session.bytes_to_client"),
    ];
    for (name, filter, order) in asked {
        let list = list(name);
        let request = |anchor| PageRequest {
            list: name,
            filter: Filter::parse(filter, list).unwrap(),
            order: list.column(order).unwrap(),
            descending: true,
            anchor,
        };
        let mut ask = |anchor| {
            let begun = Instant::now();
            let page = stage.reader.page(&request(anchor)).unwrap();
            (begun.elapsed(), page)
        };
        let (cold, page) = ask(Anchor::First);
        let (first, _) = ask(Anchor::First);
        let (last, _) = ask(Anchor::Last);
        let anchor = page
            .rows
            .last()
            .map_or(Anchor::First, |row| Anchor::At(row.key.clone(), row.id.clone()));
        let (around, _) = ask(anchor);
        say(&format!(
            "{name:?} {filter:?} by {order}, {} rows: first time {cold:?}, then {first:?}, last {last:?}, around {around:?}",
            page.total
        ));
    }
}
