//! Who talks to whom as a graph: which services are on it, and in which column and row each stands.
//!
//! The same outcome gives the same map. Callers that only call, and call the same servers in the same way, are one box.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::super::layout::{counted, grouped};
use super::picture;
use crate::model::{EdgeRow, Outcome, Posture, ServiceRow, limits};

/// A box.
pub(super) struct Node {
    /// What stands in it.
    pub(super) label: String,
    /// What stands below that.
    pub(super) below: String,
    /// Letter and certainty, for servers.
    pub(super) grade: Option<(&'static str, String)>,
    /// Its row in the table of services.
    pub(super) row: Option<usize>,
    pub(super) column: usize,
    pub(super) place: usize,
}

/// An arrow.
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The worst posture of its sessions.
    pub(super) posture: Posture,
    pub(super) sessions: u64,
}

/// A laid out map.
#[derive(Default)]
pub(super) struct Map {
    pub(super) nodes: Vec<Node>,
    pub(super) arrows: Vec<Arrow>,
    /// Services that are not on it.
    left_out: usize,
}

pub(super) fn section(outcome: &Outcome) -> Markup {
    let map = Map::of(outcome);
    html! {
        section #map aria-labelledby="h-map" {
            h2 #h-map { "Map" }
            @if map.nodes.is_empty() { p .note { "No service was seen." } } @else {
                p .note { "Callers stand left of whom they call. A letter on an arrow is the worst posture of its "
                    "sessions; callers that call the same servers in the same way are one box." }
                @if map.left_out > 0 {
                    p .warning { "The map shows the " (limits::HTML_MAP_SERVICES) " services with the worst grades, and who calls them; "
                        (counted(map.left_out as u64, "service is", "services are")) " left out. The table of services has more." }
                }
                (picture::draw(&map))
            }
        }
    }
}

impl Map {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let (chosen, left_out) = choose(outcome);
        let mut map = Self { left_out, ..Self::default() };
        let mut servers: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, rows) in &chosen {
            servers.insert(name, map.nodes.len());
            map.nodes.push(server(name, rows));
        }
        map.connect(outcome, &servers);
        let count = map.nodes.len();
        let columns = columns(count, &map.arrows);
        for (node, column) in map.nodes.iter_mut().zip(columns) {
            node.column = column;
        }
        map.order();
        map
    }

    /// Arrows between servers, and boxes for those who only call.
    fn connect(&mut self, outcome: &Outcome, servers: &BTreeMap<&str, usize>) {
        let mut calls: BTreeMap<&str, BTreeMap<usize, (Posture, u64)>> = BTreeMap::new();
        for edge in &outcome.edges {
            let Some(to) = servers.get(edge.server.service.as_str()) else { continue };
            let own = calls.entry(&edge.client.service).or_default();
            let known = own.entry(*to).or_insert((Posture::Mtls, 0));
            *known = (worse(known.0, worst(edge)), known.1.saturating_add(edge.postures.total()));
        }
        let mut alike: BTreeMap<Vec<(usize, Posture)>, Vec<&str>> = BTreeMap::new();
        for (client, own) in &calls {
            match servers.get(client) {
                Some(from) => self.add_arrows(*from, own),
                None => {
                    let signature = own.iter().map(|(to, call)| (*to, call.0)).collect();
                    alike.entry(signature).or_default().push(client);
                }
            }
        }
        for clients in alike.values().take(limits::HTML_MAP_CALLERS) {
            let from = self.nodes.len();
            self.nodes.push(caller(clients));
            let mut sum: BTreeMap<usize, (Posture, u64)> = BTreeMap::new();
            for (to, call) in clients.iter().filter_map(|client| calls.get(client)).flatten() {
                let known = sum.entry(*to).or_insert((call.0, 0));
                known.1 = known.1.saturating_add(call.1);
            }
            self.add_arrows(from, &sum);
        }
    }

    fn add_arrows(&mut self, from: usize, calls: &BTreeMap<usize, (Posture, u64)>) {
        let arrow = |(to, call): (&usize, &(Posture, u64))| Arrow {
            from,
            to: *to,
            posture: call.0,
            sessions: call.1,
        };
        self.arrows.extend(calls.iter().map(arrow));
    }

    /// Puts the boxes of each column in an order in which arrows cross little: each near the middle of its neighbours.
    fn order(&mut self) {
        const SWEEPS: usize = 8;
        let mut heights: Vec<f64> = Vec::new();
        self.settle(&mut heights, None);
        for _ in 0..SWEEPS {
            let wanted = self.pulled(&heights);
            self.settle(&mut heights, Some(&wanted));
        }
    }

    /// The mean height of each box's neighbours.
    fn pulled(&self, heights: &[f64]) -> Vec<f64> {
        let mut sums = vec![(0.0_f64, 0.0_f64); self.nodes.len()];
        for arrow in &self.arrows {
            for (one, other) in [(arrow.from, arrow.to), (arrow.to, arrow.from)] {
                if let (Some(sum), Some(height)) = (sums.get_mut(one), heights.get(other)) {
                    *sum = (sum.0 + height, sum.1 + 1.0);
                }
            }
        }
        let own = |at: usize| heights.get(at).copied().unwrap_or(0.0);
        let mean =
            |(at, sum): (usize, &(f64, f64))| if sum.1 > 0.0 { sum.0 / sum.1 } else { own(at) };
        sums.iter().enumerate().map(mean).collect()
    }

    /// Numbers the boxes of each column, and gives each its height around the middle.
    fn settle(&mut self, heights: &mut Vec<f64>, wanted: Option<&[f64]>) {
        heights.resize(self.nodes.len(), 0.0);
        let columns = self.nodes.iter().map(|node| node.column).max().unwrap_or(0);
        for column in 0..=columns {
            let mut own: Vec<usize> =
                (0..self.nodes.len()).filter(|at| self.column(*at) == Some(column)).collect();
            if let Some(wanted) = wanted {
                let height = |at: &usize| wanted.get(*at).copied().unwrap_or(0.0);
                own.sort_by(|a, b| height(a).total_cmp(&height(b)).then(a.cmp(b)));
            }
            let middle = own.len() as f64 / 2.0;
            for (place, at) in own.iter().enumerate() {
                if let (Some(node), Some(height)) = (self.nodes.get_mut(*at), heights.get_mut(*at))
                {
                    node.place = place;
                    *height = place as f64 - middle;
                }
            }
        }
    }

    fn column(&self, at: usize) -> Option<usize> {
        self.nodes.get(at).map(|node| node.column)
    }
}

type Chosen<'a> = BTreeMap<&'a str, Vec<(usize, &'a ServiceRow)>>;

/// The services that are drawn, with their rows: all, or those with the worst grades; and how many are not.
fn choose(outcome: &Outcome) -> (Chosen<'_>, usize) {
    let mut all: Chosen<'_> = BTreeMap::new();
    for (at, row) in outcome.services.iter().enumerate() {
        all.entry(&row.service.service).or_default().push((at, row));
    }
    let worst = |rows: &[(usize, &ServiceRow)]| {
        rows.iter().map(|(_, row)| (row.grade.grade, row.worst)).max()
    };
    let mut names: Vec<(&str, _)> = all.iter().map(|(name, rows)| (*name, worst(rows))).collect();
    names.sort_by_key(|(name, worst)| (Reverse(*worst), *name));
    let left_out: BTreeSet<&str> =
        names.iter().skip(limits::HTML_MAP_SERVICES).map(|(name, _)| *name).collect();
    all.retain(|name, _| !left_out.contains(name));
    (all, left_out.len())
}

fn server(name: &str, rows: &[(usize, &ServiceRow)]) -> Node {
    let worst = rows.iter().max_by_key(|(at, row)| (row.grade.grade, Reverse(*at)));
    let ports: Vec<&str> =
        rows.iter().filter_map(|(_, row)| row.endpoint.rsplit_once(':').map(|end| end.1)).collect();
    let below = match ports.as_slice() {
        [one] => format!("port {one}"),
        several if several.len() <= 3 => format!("ports {}", several.join(", ")),
        several => format!("{} ports", several.len()),
    };
    Node {
        label: name.to_owned(),
        below,
        grade: worst.map(|(_, row)| (row.grade.letter(), row.grade.mark())),
        row: worst.map(|(at, _)| *at),
        column: 0,
        place: 0,
    }
}

fn caller(clients: &[&str]) -> Node {
    let (label, below) = match clients {
        [one] => ((*one).to_owned(), "only calls".to_owned()),
        several => (format!("{} clients", grouped(several.len() as u64)), "alike".to_owned()),
    };
    Node { label, below, grade: None, row: None, column: 0, place: 0 }
}

/// What is worst of an edge, in the order in which it should alarm.
const ALARM: [Posture; 5] =
    [Posture::Plaintext, Posture::Unknown, Posture::Tls, Posture::TlsOpaque, Posture::Mtls];

fn worst(edge: &EdgeRow) -> Posture {
    let some = ALARM.into_iter().find(|posture| edge.postures.of(*posture) > 0);
    some.unwrap_or(Posture::Unknown)
}

fn worse(one: Posture, other: Posture) -> Posture {
    ALARM.into_iter().find(|posture| [one, other].contains(posture)).unwrap_or(other)
}

/// A column for each box: right of all that call it, as far as calls do not go in circles.
fn columns(nodes: usize, arrows: &[Arrow]) -> Vec<usize> {
    let forward = forward(nodes, arrows);
    let mut columns = vec![0_usize; nodes];
    for _ in 0..nodes {
        let mut changed = false;
        for (from, to) in &forward {
            let wanted = columns.get(*from).map_or(0, |column| column + 1);
            if let Some(column) = columns.get_mut(*to).filter(|column| **column < wanted) {
                *column = wanted;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    // Whom nobody calls stands beside the first that it calls, not at the far left.
    let called: BTreeSet<usize> = forward.iter().map(|(_, to)| *to).collect();
    for at in (0..nodes).filter(|at| !called.contains(at)) {
        let own = forward.iter().filter(|(from, _)| *from == at);
        let nearest = own.filter_map(|(_, to)| columns.get(*to)).min().copied();
        if let (Some(nearest), Some(column)) = (nearest, columns.get_mut(at)) {
            *column = nearest.saturating_sub(1);
        }
    }
    columns
}

/// The arrows that are left when those that close a circle are taken out, met depth first in the order of the boxes.
fn forward(nodes: usize, arrows: &[Arrow]) -> Vec<(usize, usize)> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for arrow in arrows {
        if let Some(own) = next.get_mut(arrow.from) {
            own.push(arrow.to);
        }
    }
    let mut called: BTreeSet<usize> = arrows.iter().map(|arrow| arrow.to).collect();
    called.retain(|at| *at < nodes);
    // Those whom nobody calls come first, so that what they begin points right.
    let mut starts: Vec<usize> = (0..nodes).collect();
    starts.sort_by_key(|at| (called.contains(at), *at));
    let (mut state, mut kept) = (vec![Visit::New; nodes], Vec::new());
    for start in starts {
        walk(start, &next, &mut state, &mut kept);
    }
    kept
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

/// Depth first without recursion: the path is bounded by the heap only.
fn walk(start: usize, next: &[Vec<usize>], state: &mut [Visit], kept: &mut Vec<(usize, usize)>) {
    if state.get(start) != Some(&Visit::New) {
        return;
    }
    let mut path = vec![(start, 0_usize)];
    set(state, start, Visit::Open);
    while let Some((at, step)) = path.last_mut() {
        let Some(to) = next.get(*at).and_then(|own| own.get(*step)).copied() else {
            set(state, *at, Visit::Done);
            path.pop();
            continue;
        };
        *step += 1;
        match state.get(to) {
            Some(Visit::Open) | None => {}
            Some(Visit::Done) => kept.push((*at, to)),
            Some(Visit::New) => {
                kept.push((*at, to));
                set(state, to, Visit::Open);
                path.push((to, 0));
            }
        }
    }
}

fn set(state: &mut [Visit], at: usize, visit: Visit) {
    if let Some(known) = state.get_mut(at) {
        *known = visit;
    }
}
