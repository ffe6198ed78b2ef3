//! From a message to a new model, and what is to be done about it. No input, no output, no clock.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

use super::keys::{Command, command};
use super::model::{Answer, Ask, Effect, Message, Model, OPEN_ONLY, Overlay, Status};
use super::panels::PANELS;
use super::prompt::{Prompt, Purpose};
use super::theme::THEMES;
use crate::store::Decision;
use crate::store::view::{Anchor, Datum, Filter, ListName, Page, PageRequest};

type Effects = Vec<Effect>;

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
fn ask_detail(model: &Model) -> Effects {
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
fn keep_in_sight(model: &mut Model) {
    let room = model.room();
    let Some(state) = model.list_mut() else { return };
    let last = state.rows().len().saturating_sub(1);
    state.selected = state.selected.min(last);
    state.top = state.top.min(state.selected).max((state.selected + 1).saturating_sub(room));
    // No empty lines below the last row while there are rows above the first.
    state.top = state.top.min((last + 1).saturating_sub(room));
}

/// Moves the selection by rows; asks for the next page before it is needed.
fn step(model: &mut Model, rows: isize) -> Effects {
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

fn jump(model: &mut Model, end: Anchor) -> Effects {
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

fn filter(model: &mut Model, filter: Filter) -> Effects {
    let Some(state) = model.list_mut() else { return Vec::new() };
    if state.filter == filter {
        return Vec::new();
    }
    state.filter = filter;
    anew(model)
}

/// Shows the list from its begin, because its filter or order is another.
fn anew(model: &mut Model) -> Effects {
    let Some(state) = model.list_mut() else { return Vec::new() };
    state.anew = true;
    state.follows = true;
    ask_list(model)
}

fn go(model: &mut Model, screen: usize) -> Effects {
    model.screen = screen.min(PANELS.len().saturating_sub(1));
    model.overlay = None;
    model.scroll = 0;
    keep_in_sight(model);
    // What was read before is shown at once, and read anew unless the screen is frozen.
    let frozen = model.frozen && model.list().is_none_or(|state| state.page.is_some());
    if frozen { ask_detail(model) } else { refresh(model) }
}

fn perform(model: &mut Model, command: Command) -> Effects {
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
            let numbers = state.column().is_some_and(|column| {
                !matches!(
                    column.kind,
                    crate::store::view::Kind::Text | crate::store::view::Kind::Service(_)
                )
            });
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
