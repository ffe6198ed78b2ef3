//! What the dashboard knows: the one state that is drawn.

use std::collections::BTreeMap;

use ratatui::layout::{Position, Rect, Size};

use super::keys::Context;
use super::live::Live;
use super::panels::{PANELS, Panel};
use super::program::Progress;
use super::prompt::Prompt;
use super::theme::{THEMES, Theme};
use crate::model::Diagnostic;
use crate::store::Annotation;
use crate::store::view::{
    Anchor, CertificateDetail, Column, Filter, FindingDetail, Hour, Line, List, ListName, Overview,
    Page, PageRequest, SessionDetail, list,
};

/// The smallest terminal in which there is something to see.
pub(super) const SMALLEST: Size = Size { width: 60, height: 10 };

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Key(crossterm::event::KeyEvent),
    Click(Position),
    Wheel(i32),
    Resize(Size),
    /// The database changed.
    Changed,
    Answer(Answer),
    /// How far the producer is.
    Progress(Progress),
    /// How the capture of this process goes.
    Live(Box<Live>),
    /// The producer ended; what it said, if it failed.
    Produced(Result<(), Vec<Diagnostic>>),
    /// A text to show in full.
    Text(String, String),
    /// Something was done, or not.
    Status(Status),
}

/// What the reader found out.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Page(Box<PageRequest>, Page),
    Overview(Box<Overview>),
    Finding(Option<Box<FindingDetail>>),
    Hours(String, Vec<Hour>),
    Session(i64, SessionDetail),
    Certificate(i64, CertificateDetail),
    Json(String, Option<String>),
    Annotated(Annotation),
    Failed(String),
}

/// What is asked of the reader.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Page(Box<PageRequest>),
    Overview,
    Finding(i64),
    Hours(String),
    Session(i64),
    Certificate(i64),
    Json(i64, String),
    Annotate(Annotation),
}

/// What is to be done about it.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Ask(Ask),
    /// What was decided, without who decided and when.
    Annotate(i64, crate::store::Decision, String),
    Copy(String),
    Export(String, String),
    Explain(String),
    Mouse(bool),
    Suspend,
    Redraw,
    Quit,
}

/// A line at the foot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Status {
    pub(super) text: String,
    pub(super) bad: bool,
}

impl Status {
    pub(super) fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), bad: false }
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), bad: true }
    }
}

/// What lies over a screen.
#[derive(Clone, Debug)]
pub(super) enum Overlay {
    /// The selected thing in full.
    Detail {
        scroll: usize,
    },
    Help {
        scroll: usize,
    },
    Text {
        title: String,
        lines: Vec<String>,
        scroll: usize,
    },
    Prompt(Prompt),
}

/// One list with its place in it.
#[derive(Clone, Debug)]
pub(super) struct ListState {
    pub(super) list: &'static List,
    pub(super) filter: Filter,
    pub(super) order: usize,
    pub(super) descending: bool,
    pub(super) page: Option<Page>,
    /// The place of the selected row in the page.
    pub(super) selected: usize,
    /// The place of the first row on the screen in the page.
    pub(super) top: usize,
    /// Whether the first row is to be shown whatever comes.
    pub(super) follows: bool,
    /// Whether a page is being read.
    pub(super) asked: bool,
    /// Whether the page that is being read replaces the list, because the filter or the order is another.
    pub(super) anew: bool,
}

impl ListState {
    fn new(name: ListName) -> Self {
        let list = list(name);
        let text = if name == ListName::Findings { OPEN_ONLY } else { "" };
        Self {
            list,
            filter: Filter::parse(text, list).unwrap_or_default(),
            order: list.column(list.order).unwrap_or(0),
            descending: list.descending,
            page: None,
            selected: 0,
            top: 0,
            follows: true,
            asked: false,
            anew: true,
        }
    }

    pub(super) fn rows(&self) -> &[Line] {
        self.page.as_ref().map_or(&[], |page| &page.rows)
    }

    pub(super) fn row(&self) -> Option<&Line> {
        self.rows().get(self.selected)
    }

    pub(super) fn column(&self) -> Option<&'static Column> {
        self.list.columns.get(self.order)
    }

    /// The number of the selected row in the whole list, from 1.
    pub(super) fn position(&self) -> u64 {
        let before = self.page.as_ref().map_or(0, |page| page.before);
        before.saturating_add(self.selected as u64).saturating_add(1)
    }

    pub(super) fn total(&self) -> u64 {
        self.page.as_ref().map_or(0, |page| page.total)
    }

    pub(super) fn request(&self, anchor: Anchor) -> PageRequest {
        PageRequest {
            list: self.list.name,
            filter: self.filter.clone(),
            order: self.order,
            descending: self.descending,
            anchor,
        }
    }
}

/// Findings that nobody decided about yet.
pub(super) const OPEN_ONLY: &str = "state == open";

/// What is known of selected things beyond their rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) finding: Option<Box<FindingDetail>>,
    pub(super) hours: Option<(String, Vec<Hour>)>,
    pub(super) session: Option<(i64, SessionDetail)>,
    pub(super) certificate: Option<(i64, CertificateDetail)>,
}

/// How the dashboard was started.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Options {
    /// What is looked at, in words.
    pub(super) title: String,
    /// Nothing may be decided.
    pub(super) read_only: bool,
    pub(super) ascii: bool,
    pub(super) mouse: bool,
    pub(super) theme: usize,
    /// Captures are read into the database first.
    pub(super) reading: bool,
}

/// Everything.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) options: Options,
    pub(super) size: Size,
    pub(super) screen: usize,
    pub(super) lists: BTreeMap<ListName, ListState>,
    pub(super) overview: Option<Box<Overview>>,
    pub(super) known: Known,
    pub(super) overlay: Option<Overlay>,
    pub(super) frozen: bool,
    /// The database changed while the screen was frozen.
    pub(super) newer: bool,
    pub(super) zoomed: bool,
    pub(super) matrix: bool,
    /// Which run the screen of the capture shows, from the latest back.
    pub(super) run: usize,
    /// Rows that a screen without a list is scrolled down.
    pub(super) scroll: usize,
    pub(super) status: Option<Status>,
    pub(super) progress: Progress,
    /// The capture of this process, as it was told last.
    pub(super) live: Option<Box<Live>>,
    /// Captures are being read, and nothing of them is in the database yet.
    pub(super) reading: bool,
}

impl Model {
    pub(super) fn new(options: Options, size: Size) -> Self {
        let names = PANELS.iter().filter_map(|panel| panel.list);
        let lists = names.map(|name| (name, ListState::new(name))).collect();
        let reading = options.reading;
        Self {
            options,
            size,
            screen: 0,
            lists,
            overview: None,
            known: Known::default(),
            overlay: None,
            frozen: false,
            newer: false,
            zoomed: false,
            matrix: false,
            run: 0,
            scroll: 0,
            status: None,
            progress: Progress::default(),
            live: None,
            reading,
        }
    }

    pub(super) fn theme(&self) -> &'static Theme {
        THEMES.get(self.options.theme).unwrap_or(const { &super::theme::DEFAULT })
    }

    pub(super) fn panel(&self) -> &'static Panel {
        PANELS.get(self.screen).unwrap_or(&super::panels::OVERVIEW)
    }

    /// The list of the screen, or the one that the overview shows.
    pub(super) fn list(&self) -> Option<&ListState> {
        self.lists.get(&self.panel().list?)
    }

    pub(super) fn list_mut(&mut self) -> Option<&mut ListState> {
        self.lists.get_mut(&self.panel().list?)
    }

    pub(super) fn row(&self) -> Option<&Line> {
        self.list()?.row()
    }

    /// Where keys go.
    pub(super) fn context(&self) -> Context {
        match &self.overlay {
            Some(Overlay::Prompt(_)) => Context::Prompt,
            Some(Overlay::Help { .. } | Overlay::Text { .. }) => Context::Page,
            Some(Overlay::Detail { .. }) if self.panel().context == Context::Findings => {
                Context::Detail
            }
            Some(Overlay::Detail { .. }) => Context::Item,
            None if self.reading => Context::Reading,
            None => self.panel().context,
        }
    }

    pub(super) fn areas(&self) -> Areas {
        Areas::of(self)
    }

    /// Rows of the list that there is room for.
    pub(super) fn room(&self) -> usize {
        let area = self.areas().main;
        // Two lines of border and one of titles.
        usize::from(area.height.saturating_sub(3)).max(1)
    }
}

/// Where things are on the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Areas {
    pub(super) head: Rect,
    pub(super) tabs: Rect,
    /// What the screen is about: the list.
    pub(super) main: Rect,
    /// What is known of the selected row; empty where there is no room.
    pub(super) side: Rect,
    pub(super) status: Rect,
    pub(super) foot: Rect,
}

impl Areas {
    fn of(model: &Model) -> Self {
        let Size { width, height } = model.size;
        let line = |y: u16| Rect { x: 0, y, width, height: 1 };
        let body = Rect { x: 0, y: 2, width, height: height.saturating_sub(4) };
        let (main, side) = split(body, model);
        Self {
            head: line(0),
            tabs: line(1),
            main,
            side,
            status: line(height.saturating_sub(2)),
            foot: line(height.saturating_sub(1)),
        }
    }
}

fn split(body: Rect, model: &Model) -> (Rect, Rect) {
    let panel = model.panel();
    let nothing = Rect { height: 0, ..body };
    let narrow = body.height < 18 || body.width < 80;
    if model.zoomed || narrow || panel.side == 0 {
        return (body, nothing);
    }
    // The overview's numbers stand above its list.
    if panel.context == Context::Overview {
        let above = panel.side.min(body.height / 2);
        let side = Rect { height: above, ..body };
        let main = Rect { y: body.y + above, height: body.height - above, ..body };
        return (main, side);
    }
    if body.width >= 160 {
        let wide = body.width * 3 / 5;
        let main = Rect { width: wide, ..body };
        return (main, Rect { x: body.x + wide, width: body.width - wide, ..body });
    }
    let below = panel.side.max(body.height * 2 / 5).min(body.height / 2);
    let main = Rect { height: body.height - below, ..body };
    (main, Rect { y: body.y + main.height, height: below, ..body })
}
