//! The screens. One file each, and one line in the table.

mod capture;
mod certificates;
mod edges;
mod findings;
pub(super) mod help;
mod overview;
pub(super) mod reading;
mod services;
mod sessions;

use ratatui::Frame;
use ratatui::text::Line as TextLine;

use super::keys::Context;
use super::model::Model;
use super::table::{self, Shown};
use super::view::fill;
use crate::store::view::{ListName, list};

/// One screen.
pub(super) struct Panel {
    /// Where its keys are looked up.
    pub(super) context: Context,
    /// Its name.
    pub(super) title: &'static str,
    /// The list that it shows.
    pub(super) list: Option<ListName>,
    /// The columns of that list, in order.
    pub(super) columns: &'static [Shown],
    /// Lines that what it knows of the selected row wants at least; 0 for no such place.
    pub(super) side: u16,
    /// Enter leads to the findings of the service that is selected.
    pub(super) opens_services: bool,
    /// Draws it.
    pub(super) draw: fn(&Model, &mut Frame<'_>),
    /// Everything about the selected row, in lines of a width.
    pub(super) about: fn(&Model, usize) -> Vec<TextLine<'static>>,
    /// The line above the foot.
    pub(super) remark: fn(&Model) -> String,
}

pub(super) use overview::PANEL as OVERVIEW_PANEL;

/// The first screen.
pub(super) static OVERVIEW: Panel = OVERVIEW_PANEL;

/// All screens, in the order of their keys.
pub(super) static PANELS: [Panel; 7] = [
    overview::PANEL,
    findings::PANEL,
    edges::PANEL,
    services::PANEL,
    certificates::PANEL,
    sessions::PANEL,
    capture::PANEL,
];

/// Draws a list, and what is known of its selected row beside it.
pub(super) fn list_with_side(model: &Model, frame: &mut Frame<'_>, title: &str) {
    let areas = model.areas();
    if let Some(state) = model.list() {
        table::draw(model, state, frame, areas.main);
    }
    if areas.side.height > 0 {
        let wide = usize::from(areas.side.width.saturating_sub(2));
        fill(model, frame, areas.side, (title, (model.panel().about)(model, wide)));
    }
}

/// The columns of a list that are shown somewhere, so that each can be sorted by.
pub(super) fn sortable(name: ListName) -> Vec<usize> {
    let panels = PANELS.iter().filter(|panel| panel.list == Some(name));
    let mut places: Vec<usize> = panels
        .flat_map(|panel| panel.columns)
        .filter_map(|shown| list(name).column(shown.field))
        .collect();
    let mut seen = Vec::new();
    places.retain(|place| {
        !seen.contains(place) && {
            seen.push(*place);
            true
        }
    });
    places
}

/// A display filter of Wireshark that shows what is selected.
pub(super) fn wireshark(model: &Model) -> Option<String> {
    let row = model.row()?;
    let mut terms = Vec::new();
    match row.list {
        ListName::Findings => {
            let detail = model.known.finding.as_ref()?;
            let sample = detail.evidence.first()?;
            let (client, server) = sample.connection.split_once(" -> ")?;
            let (server, transport) = match server.strip_suffix("/udp") {
                Some(server) => (server, "udp"),
                None => (server, "tcp"),
            };
            terms.extend([address(host(client)?)?, address(host(server)?)?]);
            terms.push(format!("{transport}.port == {}", port(server)?));
        }
        ListName::Sessions => {
            terms.extend([address(row.text("client.addr"))?, address(row.text("server.addr"))?]);
            let transport = if row.text("session.transport") == "udp" { "udp" } else { "tcp" };
            terms.push(format!("{transport}.port == {}", row.int("client.port")?));
            terms.push(format!("{transport}.port == {}", row.int("server.port")?));
        }
        ListName::Edges => {
            terms.extend([address(row.text("client.addr"))?, address(row.text("server.addr"))?]);
            terms.push(format!("tcp.port == {}", row.int("server.port")?));
        }
        ListName::Services => terms.push(address(row.text("server.service"))?),
        ListName::Certificates => {
            let places = &model.known.certificate.as_ref()?.1.places;
            let place = places.first()?.split(' ').nth(2)?.trim_end_matches(',');
            terms.push(address(host(place).unwrap_or(place))?);
            terms.push("tls.handshake.type == 11".to_owned());
        }
    }
    terms.dedup();
    Some(terms.join(" && "))
}

/// Only what is an address becomes part of a filter.
fn address(text: &str) -> Option<String> {
    let address: std::net::IpAddr = text.parse().ok()?;
    let name = if address.is_ipv4() { "ip.addr" } else { "ipv6.addr" };
    Some(format!("{name} == {address}"))
}

/// The address of `10.0.0.1:80` or `[::1]:80`.
fn host(end: &str) -> Option<&str> {
    let (host, _) = end.rsplit_once(':')?;
    Some(host.trim_matches(['[', ']']))
}

fn port(end: &str) -> Option<u16> {
    end.rsplit_once(':')?.1.parse().ok()
}

/// What tells the selected thing apart, for other programs.
pub(super) fn identity(model: &Model) -> Option<String> {
    let row = model.row()?;
    let text = match row.list {
        ListName::Findings => model.known.finding.as_ref()?.fingerprint.clone(),
        ListName::Sessions => row.text("session.community_id").to_owned(),
        ListName::Certificates => row.text("cert.sha256").to_owned(),
        ListName::Services => row.text("server.service").to_owned(),
        ListName::Edges => format!(
            "{} -> {}:{}",
            row.text("client.service"),
            row.text("server.service"),
            row.int("server.port").unwrap_or(0)
        ),
    };
    Some(super::text::safe(&text))
}
