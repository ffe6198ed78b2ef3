//! What commands do to the model: the part of `update` that keys reach.

use super::keys::Command;
use super::model::{Ask, Effect, Model, OPEN_ONLY, Overlay, Status};
use super::panels::PANELS;
use super::prompt::Prompt;
use super::theme::THEMES;
use super::update::{Effects, anew, ask_detail, filter, jump, keep_in_sight, refresh, step};
use crate::store::Decision;
use crate::store::view::{Anchor, Datum, Filter, Kind, ListName};

pub(super) fn go(model: &mut Model, screen: usize) -> Effects {
    model.screen = screen.min(PANELS.len().saturating_sub(1));
    model.overlay = None;
    model.scroll = 0;
    keep_in_sight(model);
    // What was read before is shown at once, and read anew unless the screen is frozen.
    let frozen = model.frozen && model.list().is_none_or(|state| state.page.is_some());
    if frozen { ask_detail(model) } else { refresh(model) }
}

pub(super) fn perform(model: &mut Model, command: Command) -> Effects {
    let page = model.room().saturating_sub(1).max(1) as isize;
    match command {
        Command::Quit => vec![Effect::Quit],
        Command::Suspend => vec![Effect::Suspend],
        Command::Redraw => vec![Effect::Redraw],
        Command::Down => step(model, 1),
        Command::Up => step(model, -1),
        Command::PageDown => step(model, page),
        Command::PageUp => step(model, -page),
        Command::Top => jump(model, Anchor::First),
        Command::Bottom => jump(model, Anchor::Last),
        Command::Next => go(model, (model.screen + 1) % PANELS.len()),
        Command::Previous => go(model, (model.screen + PANELS.len() - 1) % PANELS.len()),
        Command::Go(screen) => go(model, screen),
        Command::Help | Command::Close | Command::Open => leaf(model, command),
        Command::Filter | Command::Sort | Command::Flip | Command::Settled => {
            arrange(model, command)
        }
        Command::Acknowledge => decide(model, Decision::Acknowledged),
        Command::Ignore => decide(model, Decision::Ignored),
        Command::Reopen => decide(model, Decision::Open),
        Command::Explain => model
            .row()
            .map_or_else(Vec::new, |row| vec![Effect::Explain(row.text("rule").to_owned())]),
        Command::Sessions => sessions(model),
        Command::Copy => copy(model, super::panels::wireshark),
        Command::CopyId => copy(model, super::panels::identity),
        Command::Export => export(model),
        Command::Earlier | Command::Later => turn(model, command),
        _ => look(model, command),
    }
}

/// How things look.
fn look(model: &mut Model, command: Command) -> Effects {
    match command {
        Command::Freeze => {
            model.frozen = !model.frozen;
            if !model.frozen {
                return refresh(model);
            }
        }
        Command::Zoom => {
            model.zoomed = !model.zoomed;
            keep_in_sight(model);
        }
        Command::Matrix => model.matrix = !model.matrix,
        Command::Theme => {
            model.options.theme = (model.options.theme + 1) % THEMES.len();
            let name = model.theme().name;
            model.status = Some(Status::good(format!("theme {name}")));
        }
        Command::Mouse => {
            model.options.mouse = !model.options.mouse;
            let word = if model.options.mouse { "on" } else { "off: the terminal selects text" };
            model.status = Some(Status::good(format!("mouse {word}")));
            return vec![Effect::Mouse(model.options.mouse)];
        }
        _ => {}
    }
    Vec::new()
}

/// Opens and closes what lies over the screen.
fn leaf(model: &mut Model, command: Command) -> Effects {
    match command {
        Command::Help => model.overlay = Some(Overlay::Help { scroll: 0 }),
        Command::Open if model.panel().opens_services => return service(model),
        Command::Open if model.row().is_some() => {
            model.overlay = Some(Overlay::Detail { scroll: 0 });
            return ask_detail(model);
        }
        Command::Close if model.overlay.take().is_some() => {}
        Command::Close => {
            let default = default_filter(model);
            if model.list().is_some_and(|state| state.filter != default) {
                return filter(model, default);
            }
            return go(model, 0);
        }
        _ => {}
    }
    Vec::new()
}

fn default_filter(model: &Model) -> Filter {
    let Some(state) = model.list() else { return Filter::default() };
    let text = if state.list.name == ListName::Findings { OPEN_ONLY } else { "" };
    Filter::parse(text, state.list).unwrap_or_default()
}

/// The overview's services lead to their findings.
fn service(model: &mut Model) -> Effects {
    let Some(name) = model.row().map(|row| row.text("server.service").to_owned()) else {
        return Vec::new();
    };
    lead(model, ListName::Findings, &format!("{OPEN_ONLY} server.service == {}", quoted(&name)))
}

/// Shows a list under a filter.
fn lead(model: &mut Model, name: ListName, text: &str) -> Effects {
    let Some(screen) =
        PANELS.iter().position(|panel| panel.list == Some(name) && !panel.opens_services)
    else {
        return Vec::new();
    };
    if let Some(state) = model.lists.get_mut(&name)
        && let Ok(filter) = Filter::parse(text, state.list)
    {
        state.filter = filter;
        state.anew = true;
        state.follows = true;
    }
    go(model, screen)
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('"') { '\'' } else { '"' };
    format!("{quote}{text}{quote}")
}

fn sessions(model: &mut Model) -> Effects {
    let Some(row) = model.row() else { return Vec::new() };
    let mut terms = Vec::new();
    for name in ["client.service", "server.service"] {
        if !row.text(name).is_empty() {
            terms.push(format!("{name} == {}", quoted(row.text(name))));
        }
    }
    if let Some(port) = row.int("server.port") {
        terms.push(format!("server.port == {port}"));
    }
    lead(model, ListName::Sessions, &terms.join(" && "))
}

fn arrange(model: &mut Model, command: Command) -> Effects {
    let Some(state) = model.list_mut() else { return Vec::new() };
    match command {
        Command::Filter => {
            let prompt = Prompt::filter(&state.filter);
            model.overlay = Some(Overlay::Prompt(prompt));
            return Vec::new();
        }
        Command::Settled => {
            let text = if state.filter.text() == OPEN_ONLY { "" } else { OPEN_ONLY };
            let wanted = Filter::parse(text, state.list).unwrap_or_default();
            return filter(model, wanted);
        }
        Command::Flip => state.descending = !state.descending,
        _ => {
            let shown = super::panels::sortable(state.list.name);
            let at = shown.iter().position(|place| *place == state.order).map_or(0, |at| at + 1);
            state.order = shown.get(at).or(shown.first()).copied().unwrap_or(0);
            let numbers = state
                .column()
                .is_some_and(|column| !matches!(column.kind, Kind::Text | Kind::Service(_)));
            state.descending =
                numbers && state.column().is_none_or(|column| column.name != "cert.days_left");
        }
    }
    anew(model)
}

fn decide(model: &mut Model, decision: Decision) -> Effects {
    if model.options.read_only {
        model.status = Some(Status::bad("this database is open for reading only"));
        return Vec::new();
    }
    let Some(Datum::Int(id)) =
        model.row().filter(|row| row.list == ListName::Findings).map(|row| &row.id)
    else {
        return Vec::new();
    };
    model.overlay = Some(Overlay::Prompt(Prompt::reason(decision, *id)));
    Vec::new()
}

fn copy(model: &mut Model, what: fn(&Model) -> Option<String>) -> Effects {
    match what(model) {
        Some(text) => {
            model.status = Some(Status::good(format!("copied: {text}")));
            vec![Effect::Copy(text)]
        }
        None => {
            model.status = Some(Status::bad("there is nothing to copy here"));
            Vec::new()
        }
    }
}

fn export(model: &mut Model) -> Effects {
    let Some(row) = model.row().filter(|row| row.list == ListName::Findings) else {
        return Vec::new();
    };
    let Datum::Int(id) = row.id else { return Vec::new() };
    let rule: String =
        row.text("rule").chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    vec![Effect::Ask(Ask::Json(id, format!("wirelint-{rule}-{id:016x}")))]
}

/// One thing, or one run, on or back.
fn turn(model: &mut Model, command: Command) -> Effects {
    let later = command == Command::Later;
    if let Some(Overlay::Detail { scroll }) = &mut model.overlay {
        *scroll = 0;
        let kept = model.overlay.take();
        let effects = step(model, if later { 1 } else { -1 });
        model.overlay = kept;
        return effects;
    }
    let last = model.overview.as_ref().map_or(0, |overview| overview.runs.len().saturating_sub(1));
    model.run = if later { model.run.saturating_sub(1) } else { (model.run + 1).min(last) };
    Vec::new()
}
