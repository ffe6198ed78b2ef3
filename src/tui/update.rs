//! From a message to a new model, and what is to be done about it. No input, no output, no clock.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

use super::commands::{go, perform};
use super::keys::{Command, command};
use super::model::{Answer, Ask, Effect, Message, Model, Overlay, Status};
use super::prompt::Purpose;
use crate::store::Decision;
use crate::store::view::{Anchor, Datum, Filter, ListName, Page, PageRequest};

pub(super) type Effects = Vec<Effect>;

/// Takes a message.
pub(super) fn update(model: &mut Model, message: Message) -> Effects {
    match message {
        Message::Key(event) => key(model, &event),
        Message::Click(at) => click(model, at),
        Message::Wheel(rows) => step(model, rows.signum() as isize * 3),
        Message::Resize(size) => {
            model.size = size;
            keep_in_sight(model);
            Vec::new()
        }
        Message::Changed if model.frozen => {
            model.newer = true;
            Vec::new()
        }
        Message::Changed => refresh(model),
        Message::Answer(answer) => answered(model, answer),
        Message::Progress(progress) => {
            model.progress = progress;
            Vec::new()
        }
        Message::Live(live) => {
            model.live = Some(live);
            Vec::new()
        }
        Message::Produced(Ok(())) => {
            model.reading = false;
            refresh(model)
        }
        Message::Produced(Err(said)) => {
            model.reading = false;
            let lines = said.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("; ");
            model.status = Some(Status::bad(lines));
            refresh(model)
        }
        Message::Text(title, text) => {
            let lines = text.lines().map(str::to_owned).collect();
            model.overlay = Some(Overlay::Text { title, lines, scroll: 0 });
            Vec::new()
        }
        Message::Status(status) => {
            model.status = Some(status);
            Vec::new()
        }
    }
}

/// Asks for everything that is on the screen anew.
pub(super) fn refresh(model: &mut Model) -> Effects {
    if model.reading {
        return Vec::new();
    }
    model.newer = false;
    let mut effects = vec![Effect::Ask(Ask::Overview)];
    effects.extend(ask_list(model));
    effects.extend(detail_of(model, true));
    effects
}

/// Asks for the page of the screen's list that has the selected row.
fn ask_list(model: &mut Model) -> Effects {
    let Some(state) = model.list_mut() else { return Vec::new() };
    let anchor = match state.row() {
        Some(row) if !state.follows && !state.anew => Anchor::At(row.key.clone(), row.id.clone()),
        _ => Anchor::First,
    };
    state.asked = true;
    vec![Effect::Ask(Ask::Page(Box::new(state.request(anchor))))]
}

/// Asks for what the selected row does not say, unless it is known.
pub(super) fn ask_detail(model: &Model) -> Effects {
    detail_of(model, false)
}

fn detail_of(model: &Model, anew: bool) -> Effects {
    let Some(row) = model.row() else { return Vec::new() };
    let known = &model.known;
    let ask = match (row.list, &row.id) {
        (ListName::Findings, Datum::Int(id)) => {
            let fits = known.finding.as_ref().is_some_and(|known| known.id == *id);
            (anew || !fits).then_some(Ask::Finding(*id))
        }
        (ListName::Edges, Datum::Text(id)) => {
            let fits = known.hours.as_ref().is_some_and(|(known, _)| known == id);
            (anew || !fits).then(|| Ask::Hours(id.clone()))
        }
        (ListName::Sessions, Datum::Int(id)) => {
            let fits = known.session.as_ref().is_some_and(|(known, _)| known == id);
            (anew || !fits).then_some(Ask::Session(*id))
        }
        (ListName::Certificates, _) => row.int("cert.number").and_then(|id| {
            let fits = known.certificate.as_ref().is_some_and(|(known, _)| *known == id);
            (anew || !fits).then_some(Ask::Certificate(id))
        }),
        _ => None,
    };
    ask.map(Effect::Ask).into_iter().collect()
}

fn answered(model: &mut Model, answer: Answer) -> Effects {
    match answer {
        Answer::Page(request, page) => return paged(model, &request, page),
        Answer::Overview(overview) => {
            model.run = model.run.min(overview.runs.len().saturating_sub(1));
            model.overview = Some(overview);
        }
        Answer::Finding(detail) => model.known.finding = detail,
        Answer::Hours(edge, hours) => model.known.hours = Some((edge, hours)),
        Answer::Session(id, detail) => model.known.session = Some((id, detail)),
        Answer::Certificate(id, detail) => model.known.certificate = Some((id, detail)),
        Answer::Json(name, Some(text)) => return vec![Effect::Export(name, text)],
        Answer::Json(_, None) => model.status = Some(Status::bad("the finding is gone")),
        Answer::Annotated(done) => {
            let word =
                if done.decision == Decision::Open { "open again" } else { done.decision.name() };
            model.status = Some(Status::good(format!("the finding is {word} (A shows all)")));
            model.known.finding = None;
            return refresh(model);
        }
        Answer::Failed(why) => {
            model.lists.values_mut().for_each(|state| state.asked = false);
            model.status = Some(Status::bad(why));
        }
    }
    Vec::new()
}

fn paged(model: &mut Model, request: &PageRequest, page: Page) -> Effects {
    let Some(state) = model.lists.get_mut(&request.list) else { return Vec::new() };
    let meant = state.request(request.anchor.clone());
    if meant != *request {
        // The filter or the order is another by now, and its page is on the way.
        return Vec::new();
    }
    // The selection follows the row, which may have been left for another one since.
    let wanted = state.row().map(|row| row.id.clone()).filter(|_| !state.anew && !state.follows);
    let found = wanted.and_then(|id| page.rows.iter().position(|row| row.id == id));
    let offset = state.selected.saturating_sub(state.top);
    state.selected = match request.anchor {
        Anchor::Last => page.at,
        _ => found.unwrap_or(page.at),
    };
    state.top = state.selected.saturating_sub(offset);
    state.asked = false;
    state.anew = false;
    state.page = Some(page);
    keep_in_sight(model);
    ask_detail(model)
}

/// Moves the rows on the screen so that the selected one is among them.
pub(super) fn keep_in_sight(model: &mut Model) {
    let room = model.room();
    let Some(state) = model.list_mut() else { return };
    let last = state.rows().len().saturating_sub(1);
    state.selected = state.selected.min(last);
    state.top = state.top.min(state.selected).max((state.selected + 1).saturating_sub(room));
    // No empty lines below the last row while there are rows above the first.
    state.top = state.top.min((last + 1).saturating_sub(room));
}

/// Moves the selection by rows; asks for the next page before it is needed.
pub(super) fn step(model: &mut Model, rows: isize) -> Effects {
    if let Some(scroll) = scrolled(model) {
        *scroll = scroll.saturating_add_signed(rows);
        return Vec::new();
    }
    let Some(state) = model.list_mut() else {
        model.scroll = model.scroll.saturating_add_signed(rows);
        return Vec::new();
    };
    let last = state.rows().len().saturating_sub(1);
    state.selected = state.selected.saturating_add_signed(rows).min(last);
    state.follows = false;
    let page_begins = state.page.as_ref().is_none_or(|page| page.before == 0);
    let held =
        state.page.as_ref().map_or(0, |page| page.before.saturating_add(page.rows.len() as u64));
    let page_ends = held >= state.total();
    let quarter = state.rows().len() / 4;
    let near = (!page_begins && state.selected < quarter)
        || (!page_ends && state.selected + quarter > last);
    let ask = near && !state.asked;
    keep_in_sight(model);
    let mut effects = if ask { ask_list(model) } else { Vec::new() };
    effects.extend(ask_detail(model));
    effects
}

/// How far what lies over the screen is scrolled, where that is what moves.
fn scrolled(model: &mut Model) -> Option<&mut usize> {
    match &mut model.overlay {
        Some(
            Overlay::Detail { scroll } | Overlay::Help { scroll } | Overlay::Text { scroll, .. },
        ) => Some(scroll),
        _ => None,
    }
}

pub(super) fn jump(model: &mut Model, end: Anchor) -> Effects {
    let to_first = end == Anchor::First;
    if let Some(scroll) = scrolled(model) {
        *scroll = if to_first { 0 } else { usize::MAX / 2 };
        return Vec::new();
    }
    let Some(state) = model.list_mut() else {
        model.scroll = if to_first { 0 } else { usize::MAX / 2 };
        return Vec::new();
    };
    state.follows = to_first;
    state.selected = if to_first { 0 } else { state.rows().len().saturating_sub(1) };
    state.asked = true;
    let request = state.request(end);
    keep_in_sight(model);
    vec![Effect::Ask(Ask::Page(Box::new(request)))]
}

fn click(model: &mut Model, at: Position) -> Effects {
    if model.overlay.is_some() || model.reading {
        return Vec::new();
    }
    let areas = model.areas();
    if areas.tabs.contains(at) {
        let screen = super::view::tab_at(model, at.x);
        return screen.map_or_else(Vec::new, |screen| go(model, screen));
    }
    if !areas.main.contains(at) || at.y < areas.main.y + 2 {
        return Vec::new();
    }
    let row = usize::from(at.y - areas.main.y - 2);
    let Some(state) = model.list() else { return Vec::new() };
    let wanted = state.top + row;
    if wanted >= state.rows().len() {
        return Vec::new();
    }
    if wanted == state.selected {
        return perform(model, Command::Open);
    }
    let rows = wanted as isize - state.selected as isize;
    step(model, rows)
}

fn key(model: &mut Model, event: &KeyEvent) -> Effects {
    let context = model.context();
    let asked = command(event, context);
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
        if let (None, KeyCode::Char(letter)) = (asked, event.code)
            && !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
        {
            prompt.insert(letter);
            return typed(model);
        }
        return asked.map_or_else(Vec::new, |command| typing(model, command));
    }
    let Some(command) = asked else { return Vec::new() };
    model.status = None;
    perform(model, command)
}

/// A key while a line is typed.
fn typing(model: &mut Model, command: Command) -> Effects {
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else { return Vec::new() };
    match command {
        Command::Close => {
            let before = match &prompt.purpose {
                Purpose::Filter(before) => Some(before.clone()),
                Purpose::Reason(..) => None,
            };
            model.overlay = None;
            before.map_or_else(Vec::new, |before| filter(model, before))
        }
        Command::Accept => accept(model),
        Command::Quit | Command::Suspend | Command::Redraw => perform(model, command),
        command if prompt.edit(command) => typed(model),
        _ => Vec::new(),
    }
}

/// What was typed is another: a filter works while it is typed.
fn typed(model: &mut Model) -> Effects {
    let Some(list) = model.list().map(|state| state.list) else { return Vec::new() };
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else { return Vec::new() };
    if !matches!(prompt.purpose, Purpose::Filter(_)) {
        return Vec::new();
    }
    match Filter::parse(&prompt.typed(), list) {
        Ok(found) => {
            prompt.error = None;
            filter(model, found)
        }
        Err(error) => {
            prompt.error = Some(error);
            Vec::new()
        }
    }
}

fn accept(model: &mut Model) -> Effects {
    let Some(Overlay::Prompt(prompt)) = &model.overlay else { return Vec::new() };
    match prompt.purpose {
        Purpose::Filter(_) if prompt.error.is_some() => Vec::new(),
        Purpose::Filter(_) => {
            model.overlay = None;
            Vec::new()
        }
        Purpose::Reason(decision, finding) => {
            let reason = prompt.typed();
            if reason.trim().is_empty() {
                model.status =
                    Some(Status::bad("a reason is needed: those who come later will ask"));
                return Vec::new();
            }
            model.overlay = None;
            model.status = None;
            vec![Effect::Annotate(finding, decision, reason)]
        }
    }
}

pub(super) fn filter(model: &mut Model, filter: Filter) -> Effects {
    let Some(state) = model.list_mut() else { return Vec::new() };
    if state.filter == filter {
        return Vec::new();
    }
    state.filter = filter;
    anew(model)
}

/// Shows the list from its begin, because its filter or order is another.
pub(super) fn anew(model: &mut Model) -> Effects {
    let Some(state) = model.list_mut() else { return Vec::new() };
    state.anew = true;
    state.follows = true;
    ask_list(model)
}
