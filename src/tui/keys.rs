//! The one table of keys. What a key does, the hints at the foot, the help and `docs/dashboard.md` come from it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key can ask for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Command {
    Quit,
    Suspend,
    Redraw,
    Help,
    Close,
    Next,
    Previous,
    Go(usize),
    Down,
    Up,
    PageDown,
    PageUp,
    Top,
    Bottom,
    Open,
    Filter,
    Sort,
    Flip,
    Freeze,
    Zoom,
    Settled,
    Explain,
    Acknowledge,
    Ignore,
    Reopen,
    Sessions,
    Copy,
    CopyId,
    Export,
    Matrix,
    Earlier,
    Later,
    Theme,
    Mouse,
    Accept,
    Erase,
    EraseAll,
    Left,
    Right,
}

/// Where a key means something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Context {
    Overview,
    Findings,
    Edges,
    Services,
    Certificates,
    Sessions,
    Capture,
    /// A finding in full.
    Detail,
    /// Another thing in full.
    Item,
    /// Help, an explanation, something to copy.
    Page,
    /// A line is being typed.
    Prompt,
    /// Captures are being read.
    Reading,
}

/// A key, or one with Ctrl.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    pub(super) code: KeyCode,
    pub(super) ctrl: bool,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    pub(super) command: Command,
    pub(super) keys: &'static [Key],
    /// The keys in words.
    pub(super) shown: &'static str,
    pub(super) contexts: &'static [Context],
    /// What stands at the foot; empty for keys that only the help names.
    pub(super) hint: &'static str,
    /// What the help says.
    pub(super) doc: &'static str,
}

use Context::{
    Capture, Certificates, Detail, Edges, Findings, Item, Overview, Page, Prompt, Reading,
    Services, Sessions,
};

const ALL: &[Context] = &[
    Overview,
    Findings,
    Edges,
    Services,
    Certificates,
    Sessions,
    Capture,
    Detail,
    Item,
    Page,
    Prompt,
    Reading,
];
const SCREENS: &[Context] = &[Overview, Findings, Edges, Services, Certificates, Sessions, Capture];
const LOOKING: &[Context] =
    &[Overview, Findings, Edges, Services, Certificates, Sessions, Capture, Detail, Item, Page];
const STEADY: &[Context] = &[
    Overview,
    Findings,
    Edges,
    Services,
    Certificates,
    Sessions,
    Capture,
    Detail,
    Item,
    Page,
    Reading,
];
const LISTS: &[Context] = &[Findings, Edges, Services, Certificates, Sessions];
const ITEMS: &[Context] = &[Findings, Edges, Services, Certificates, Sessions, Detail, Item];
const OPENABLE: &[Context] = &[Overview, Findings, Edges, Services, Certificates, Sessions];
const DECIDED: &[Context] = &[Findings, Detail];
const CALLED: &[Context] = &[Findings, Edges, Services, Detail];

const fn k(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), ctrl: false }
}

const fn ctrl(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), ctrl: true }
}

const fn c(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

/// All keys, in the order of the help. Those with a hint stand at the foot in this order as far as there is room.
#[rustfmt::skip]
pub(super) static KEYS: &[Binding] = &[
    Binding { command: Command::Accept, keys: &[c(KeyCode::Enter)], shown: "Enter", contexts: &[Prompt], hint: "accept", doc: "accept what was typed" },
    Binding { command: Command::Open, keys: &[c(KeyCode::Enter), k('l')], shown: "Enter l", contexts: OPENABLE, hint: "open", doc: "open in full" },
    Binding { command: Command::Filter, keys: &[k('/')], shown: "/", contexts: LISTS, hint: "filter", doc: "filter the list" },
    Binding { command: Command::Sort, keys: &[k('s')], shown: "s", contexts: LISTS, hint: "sort", doc: "sort by the next column" },
    Binding { command: Command::Flip, keys: &[k('S')], shown: "S", contexts: LISTS, hint: "", doc: "turn the order around" },
    Binding { command: Command::Acknowledge, keys: &[k('a')], shown: "a", contexts: DECIDED, hint: "ack", doc: "acknowledge, with a reason" },
    Binding { command: Command::Ignore, keys: &[k('i')], shown: "i", contexts: DECIDED, hint: "ignore", doc: "ignore, with a reason" },
    Binding { command: Command::Reopen, keys: &[k('o')], shown: "o", contexts: DECIDED, hint: "", doc: "open again, with a reason" },
    Binding { command: Command::Settled, keys: &[k('A')], shown: "A", contexts: &[Findings], hint: "", doc: "show all findings, or open ones only" },
    Binding { command: Command::Matrix, keys: &[k('m')], shown: "m", contexts: &[Edges], hint: "matrix", doc: "clients by servers, or the list" },
    Binding { command: Command::Earlier, keys: &[k('[')], shown: "[", contexts: &[Capture], hint: "earlier run", doc: "the run before" },
    Binding { command: Command::Later, keys: &[k(']')], shown: "]", contexts: &[Capture], hint: "later run", doc: "the run after" },
    Binding { command: Command::Sessions, keys: &[k('f')], shown: "f", contexts: CALLED, hint: "sessions", doc: "kept sessions of this" },
    Binding { command: Command::Explain, keys: &[k('e')], shown: "e", contexts: DECIDED, hint: "explain", doc: "explain the rule" },
    Binding { command: Command::Copy, keys: &[k('y')], shown: "y", contexts: ITEMS, hint: "copy filter", doc: "copy a filter for Wireshark" },
    Binding { command: Command::CopyId, keys: &[k('Y')], shown: "Y", contexts: ITEMS, hint: "", doc: "copy the id" },
    Binding { command: Command::Export, keys: &[k('x')], shown: "x", contexts: DECIDED, hint: "export", doc: "write the finding as JSON to a file here" },
    Binding { command: Command::Freeze, keys: &[k(' ')], shown: "Space", contexts: SCREENS, hint: "freeze", doc: "freeze the screen, or go on" },
    Binding { command: Command::Zoom, keys: &[k('z')], shown: "z", contexts: LISTS, hint: "", doc: "the list alone, or with details" },
    Binding { command: Command::Close, keys: &[c(KeyCode::Esc), k('h')], shown: "Esc h", contexts: &[Detail, Item, Page], hint: "back", doc: "back" },
    Binding { command: Command::Close, keys: &[c(KeyCode::Esc)], shown: "Esc", contexts: &[Prompt], hint: "give up", doc: "give up what was typed" },
    Binding { command: Command::Close, keys: &[c(KeyCode::Esc)], shown: "Esc", contexts: SCREENS, hint: "", doc: "clear the filter, else the overview" },
    Binding { command: Command::Help, keys: &[k('?'), c(KeyCode::F(1))], shown: "? F1", contexts: STEADY, hint: "help", doc: "this help" },
    Binding { command: Command::Quit, keys: &[k('q')], shown: "q", contexts: STEADY, hint: "quit", doc: "quit" },
    Binding { command: Command::Quit, keys: &[ctrl('c')], shown: "Ctrl-C", contexts: ALL, hint: "", doc: "quit" },
    Binding { command: Command::Suspend, keys: &[ctrl('z')], shown: "Ctrl-Z", contexts: ALL, hint: "", doc: "suspend; fg comes back" },
    Binding { command: Command::Redraw, keys: &[ctrl('l')], shown: "Ctrl-L", contexts: ALL, hint: "", doc: "draw everything anew" },
    Binding { command: Command::Down, keys: &[k('j'), c(KeyCode::Down)], shown: "j Down", contexts: LOOKING, hint: "", doc: "down" },
    Binding { command: Command::Up, keys: &[k('k'), c(KeyCode::Up)], shown: "k Up", contexts: LOOKING, hint: "", doc: "up" },
    Binding { command: Command::PageDown, keys: &[c(KeyCode::PageDown), ctrl('d')], shown: "PgDn Ctrl-D", contexts: LOOKING, hint: "", doc: "a page down" },
    Binding { command: Command::PageUp, keys: &[c(KeyCode::PageUp), ctrl('u')], shown: "PgUp Ctrl-U", contexts: LOOKING, hint: "", doc: "a page up" },
    Binding { command: Command::Top, keys: &[k('g'), c(KeyCode::Home)], shown: "g Home", contexts: LOOKING, hint: "", doc: "first, and stay there as newer come" },
    Binding { command: Command::Bottom, keys: &[k('G'), c(KeyCode::End)], shown: "G End", contexts: LOOKING, hint: "", doc: "last" },
    Binding { command: Command::Later, keys: &[k('n')], shown: "n", contexts: &[Detail, Item], hint: "next", doc: "the next one" },
    Binding { command: Command::Earlier, keys: &[k('N')], shown: "N", contexts: &[Detail, Item], hint: "", doc: "the one before" },
    Binding { command: Command::Next, keys: &[c(KeyCode::Tab), c(KeyCode::Right)], shown: "Tab Right", contexts: SCREENS, hint: "", doc: "the next screen" },
    Binding { command: Command::Previous, keys: &[c(KeyCode::BackTab), c(KeyCode::Left)], shown: "Shift-Tab Left", contexts: SCREENS, hint: "", doc: "the screen before" },
    Binding { command: Command::Go(0), keys: &[k('1')], shown: "1", contexts: LOOKING, hint: "", doc: "overview" },
    Binding { command: Command::Go(1), keys: &[k('2')], shown: "2", contexts: LOOKING, hint: "", doc: "findings" },
    Binding { command: Command::Go(2), keys: &[k('3')], shown: "3", contexts: LOOKING, hint: "", doc: "edges" },
    Binding { command: Command::Go(3), keys: &[k('4')], shown: "4", contexts: LOOKING, hint: "", doc: "services" },
    Binding { command: Command::Go(4), keys: &[k('5')], shown: "5", contexts: LOOKING, hint: "", doc: "certificates" },
    Binding { command: Command::Go(5), keys: &[k('6')], shown: "6", contexts: LOOKING, hint: "", doc: "sessions" },
    Binding { command: Command::Go(6), keys: &[k('7')], shown: "7", contexts: LOOKING, hint: "", doc: "capture health" },
    Binding { command: Command::Theme, keys: &[k('t')], shown: "t", contexts: SCREENS, hint: "", doc: "the next theme" },
    Binding { command: Command::Mouse, keys: &[k('M')], shown: "M", contexts: SCREENS, hint: "", doc: "mouse on or off" },
    Binding { command: Command::Erase, keys: &[c(KeyCode::Backspace)], shown: "Backspace", contexts: &[Prompt], hint: "", doc: "erase the letter before" },
    Binding { command: Command::EraseAll, keys: &[ctrl('u')], shown: "Ctrl-U", contexts: &[Prompt], hint: "erase all", doc: "erase all" },
    Binding { command: Command::Left, keys: &[c(KeyCode::Left)], shown: "Left", contexts: &[Prompt], hint: "", doc: "one letter to the left" },
    Binding { command: Command::Right, keys: &[c(KeyCode::Right)], shown: "Right", contexts: &[Prompt], hint: "", doc: "one letter to the right" },
];

/// What a key asks for in a context.
pub(super) fn command(event: &KeyEvent, context: Context) -> Option<Command> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let key = Key { code: event.code, ctrl };
    let found = in_context(context).find(|binding| binding.keys.contains(&key));
    found.filter(|_| !alt).map(|binding| binding.command)
}

/// The lines of the table that hold in a context.
pub(super) fn in_context(context: Context) -> impl Iterator<Item = &'static Binding> {
    KEYS.iter().filter(move |binding| binding.contexts.contains(&context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_means_one_thing_in_a_context() {
        for context in ALL {
            let mut seen: Vec<Key> = Vec::new();
            for binding in in_context(*context) {
                for key in binding.keys {
                    assert!(!seen.contains(key), "{key:?} means two things in {context:?}");
                    seen.push(*key);
                }
            }
        }
    }

    #[test]
    fn every_line_has_words_for_its_keys() {
        for binding in KEYS {
            assert!(!binding.doc.is_empty() && !binding.contexts.is_empty(), "{binding:?}");
            let words = binding.shown.split(' ').count();
            assert_eq!(words, binding.keys.len(), "{binding:?}");
        }
    }

    /// The table in the documentation, as it must stand there.
    fn documented() -> String {
        let mut out = String::from("| key | does | where |\n|---|---|---|\n");
        for binding in KEYS {
            let keys: Vec<String> =
                binding.shown.split(' ').map(|key| format!("`{key}`")).collect();
            let places = match binding.contexts {
                contexts if contexts == ALL => "everywhere".to_owned(),
                contexts if contexts == SCREENS => "all screens".to_owned(),
                contexts if contexts == LISTS => "lists".to_owned(),
                contexts if contexts == LOOKING || contexts == STEADY => {
                    "everywhere but when typing".to_owned()
                }
                contexts => contexts
                    .iter()
                    .map(|context| format!("{context:?}").to_lowercase())
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            out.push_str(&format!("| {} | {} | {places} |\n", keys.join(" "), binding.doc));
        }
        out
    }

    #[test]
    fn the_documentation_has_this_table() {
        const BEGIN: &str = "<!-- keys: made from the table in src/tui/keys.rs -->\n";
        const END: &str = "<!-- end of keys -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dashboard.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (head, rest) = page.split_once(BEGIN).unwrap();
        let (table, tail) = rest.split_once(END).unwrap();
        if std::env::var_os("WIRELINT_UPDATE_DOCS").is_some() {
            std::fs::write(path, format!("{head}{BEGIN}{}{END}{tail}", documented())).unwrap();
            return;
        }
        assert_eq!(table, documented(), "WIRELINT_UPDATE_DOCS=1 cargo test --lib writes it");
    }
}
