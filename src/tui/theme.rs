//! What things look like: a table of themes, and the glyphs that say the same without colour.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// The styles of one theme.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Theme {
    /// Its name.
    pub name: &'static str,
    pub(super) base: Style,
    pub(super) dim: Style,
    pub(super) title: Style,
    pub(super) border: Style,
    pub(super) selected: Style,
    pub(super) critical: Style,
    pub(super) high: Style,
    pub(super) medium: Style,
    pub(super) low: Style,
    pub(super) good: Style,
    pub(super) hidden: Style,
}

const fn fg(color: Color) -> Style {
    Style::new().fg(color)
}

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// The theme for those who chose none: the terminal's own sixteen colours.
pub(super) const DEFAULT: Theme = Theme {
    name: "default",
    base: PLAIN,
    dim: fg(Color::DarkGray),
    title: BOLD,
    border: fg(Color::DarkGray),
    selected: REVERSED,
    critical: fg(Color::LightRed).add_modifier(Modifier::BOLD),
    high: fg(Color::Red),
    medium: fg(Color::Yellow),
    low: fg(Color::Cyan),
    good: fg(Color::Green),
    hidden: fg(Color::Magenta),
};

/// All themes, the default first. All but one leave colours to the terminal's own palette.
pub static THEMES: &[Theme] = &[
    DEFAULT,
    Theme {
        name: "light",
        base: fg(Color::Black).bg(Color::White),
        dim: fg(Color::DarkGray).bg(Color::White),
        title: fg(Color::Black).bg(Color::White).add_modifier(Modifier::BOLD),
        border: fg(Color::DarkGray).bg(Color::White),
        selected: fg(Color::White).bg(Color::Blue),
        critical: fg(Color::Red).bg(Color::White).add_modifier(Modifier::BOLD),
        high: fg(Color::Red).bg(Color::White),
        medium: fg(Color::Indexed(94)).bg(Color::White),
        low: fg(Color::Blue).bg(Color::White),
        good: fg(Color::Indexed(22)).bg(Color::White),
        hidden: fg(Color::Magenta).bg(Color::White),
    },
    Theme {
        name: "high-contrast",
        base: fg(Color::White).bg(Color::Black),
        dim: fg(Color::Gray).bg(Color::Black),
        title: fg(Color::White).bg(Color::Black).add_modifier(Modifier::BOLD),
        border: fg(Color::White).bg(Color::Black),
        selected: fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::BOLD),
        critical: fg(Color::LightRed).bg(Color::Black).add_modifier(Modifier::BOLD),
        high: fg(Color::LightRed).bg(Color::Black),
        medium: fg(Color::LightYellow).bg(Color::Black),
        low: fg(Color::LightCyan).bg(Color::Black),
        good: fg(Color::LightGreen).bg(Color::Black),
        hidden: fg(Color::LightMagenta).bg(Color::Black),
    },
    // The palette of Okabe and Ito, which people with any kind of colour blindness tell apart.
    Theme {
        name: "okabe-ito",
        base: PLAIN,
        dim: fg(Color::DarkGray),
        title: BOLD,
        border: fg(Color::DarkGray),
        selected: REVERSED,
        critical: fg(Color::Rgb(213, 94, 0)).add_modifier(Modifier::BOLD),
        high: fg(Color::Rgb(213, 94, 0)),
        medium: fg(Color::Rgb(230, 159, 0)),
        low: fg(Color::Rgb(86, 180, 233)),
        good: fg(Color::Rgb(0, 158, 115)),
        hidden: fg(Color::Rgb(204, 121, 167)),
    },
    Theme {
        name: "mono",
        base: PLAIN,
        dim: DIM,
        title: BOLD,
        border: DIM,
        selected: REVERSED,
        critical: BOLD,
        high: BOLD,
        medium: PLAIN,
        low: PLAIN,
        good: PLAIN,
        hidden: PLAIN,
    },
];

/// The names of all themes, in order.
pub fn theme_names() -> impl Iterator<Item = &'static str> {
    THEMES.iter().map(|theme| theme.name)
}

/// The place of the theme of that name.
pub(super) fn named(name: &str) -> usize {
    THEMES.iter().position(|theme| theme.name == name).unwrap_or(0)
}

impl Theme {
    /// The mark and the style of a severity.
    pub(super) fn severity(&self, word: &str) -> (&'static str, Style) {
        match word {
            "critical" => ("!!", self.critical),
            "high" => ("! ", self.high),
            "medium" => ("~ ", self.medium),
            "low" => ("- ", self.low),
            _ => (". ", self.dim),
        }
    }

    /// The mark and the style of a posture.
    pub(super) fn posture(&self, word: &str) -> (&'static str, Style) {
        match word {
            "mtls" => ("M", self.good),
            "tls" => ("T", self.medium),
            "tls-opaque" => ("O", self.hidden),
            "plaintext" => ("!", self.high),
            _ => ("?", self.dim),
        }
    }
}

/// Borders of ASCII.
pub(super) const ASCII: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};
