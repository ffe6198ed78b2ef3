//! As much of Rust's grammar as it takes to tell which paths a file names.
//!
//! Takes the text of a source file, gives its words and the paths in them. Comments, strings and character literals
//! are not words, so that what they say counts for nothing.

/// A word or sign of a source file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    /// An identifier, a number, `::`, or one other character.
    pub(crate) text: String,
    /// Line, from 1.
    pub(crate) line: usize,
}

/// A path as it is meant, use declarations spelled out: `["crate", "model", "Seen"]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Path {
    /// Its segments; the last may be `*`.
    pub(crate) segments: Vec<String>,
    /// Names of the inline modules that it stands in, outermost first.
    pub(crate) within: Vec<String>,
    /// Line of its first word.
    pub(crate) line: usize,
}

/// The words of a file in order.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: source.chars().collect(), at: 0, line: 1, out: Vec::new() };
    while lexer.peek(0).is_some() {
        lexer.step();
    }
    lexer.out
}

/// The paths of a file in order: every use declaration, and everything with `::` in it.
pub(crate) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut finder = Finder { tokens, at: 0, depth: 0, within: Vec::new(), out: Vec::new() };
    while finder.at < tokens.len() {
        finder.step();
    }
    finder.out
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bump(&mut self) {
        self.line += usize::from(self.peek(0) == Some('\n'));
        self.at += 1;
    }

    fn step(&mut self) {
        match (self.peek(0).unwrap(), self.peek(1)) {
            ('/', Some('/')) => self.skip_while(|c| c != '\n'),
            ('/', Some('*')) => self.skip_block_comment(),
            ('"', _) => self.skip_quoted('"'),
            ('\'', _) => self.skip_quote(),
            (c, _) if is_word(c) => self.word(),
            (':', Some(':')) => self.push(2),
            (c, _) if c.is_whitespace() => self.bump(),
            _ => self.push(1),
        }
    }

    fn push(&mut self, length: usize) {
        let text = self.chars[self.at..self.at + length].iter().collect();
        self.out.push(Token { text, line: self.line });
        (0..length).for_each(|_| self.bump());
    }

    fn skip_while(&mut self, keep_on: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&keep_on) {
            self.bump();
        }
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while let Some(c) = self.peek(0) {
            let step = match (c, self.peek(1)) {
                ('/', Some('*')) => 1,
                ('*', Some('/')) => -1,
                _ => 0,
            };
            depth += step;
            self.bump();
            if step != 0 {
                self.bump();
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_quoted(&mut self, end: char) {
        self.bump();
        while let Some(c) = self.peek(0) {
            self.bump();
            match c {
                '\\' => self.bump(),
                c if c == end => return,
                _ => {}
            }
        }
    }

    /// A character literal, or the name of a lifetime.
    fn skip_quote(&mut self) {
        if self.peek(1) == Some('\\') || self.peek(2) == Some('\'') {
            self.skip_quoted('\'');
        } else {
            self.bump();
            self.skip_while(is_word);
        }
    }

    fn word(&mut self) {
        let length = self.chars[self.at..].iter().take_while(|c| is_word(**c)).count();
        let text: String = self.chars[self.at..self.at + length].iter().collect();
        let raw = matches!(text.as_str(), "r" | "br" | "cr");
        let hashes = self.chars[self.at + length..].iter().take_while(|c| **c == '#').count();
        let next = self.peek(length + if raw { hashes } else { 0 });
        match next {
            Some('"') if raw => self.skip_raw_string(length + hashes, hashes),
            Some(quote @ ('"' | '\'')) if matches!(text.as_str(), "b" | "c") => {
                self.at += length;
                self.skip_quoted(quote);
            }
            // A raw identifier is the identifier.
            Some(_) if raw && hashes == 1 => self.at += length + hashes,
            _ => self.push(length),
        }
    }

    fn skip_raw_string(&mut self, opening: usize, hashes: usize) {
        self.at += opening + 1;
        while let Some(c) = self.peek(0) {
            let closes = c == '"' && (1..=hashes).all(|n| self.peek(n) == Some('#'));
            self.bump();
            if closes {
                self.at += hashes;
                return;
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Finder<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    within: Vec<(String, usize)>,
    out: Vec<Path>,
}

impl Finder<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text.as_str())
    }

    fn is_name(&self, ahead: usize) -> bool {
        self.text(ahead).starts_with(is_word)
    }

    fn step(&mut self) {
        match self.text(0) {
            "mod" if self.text(2) == "{" => {
                self.within.push((self.text(1).to_owned(), self.depth));
                self.at += 2;
                return;
            }
            // `use<'a>` in a bound is no declaration.
            "use" if self.text(1) != "<" => {
                self.at += 1;
                self.use_tree(&[]);
                return;
            }
            "{" => self.depth += 1,
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                self.within.pop_if(|(_, depth)| *depth == self.depth);
            }
            _ if self.is_name(0) => return self.expression_path(),
            _ => {}
        }
        self.at += 1;
    }

    fn expression_path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut segments = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && self.is_name(1) {
            segments.push(self.text(1).to_owned());
            self.at += 2;
        }
        if segments.len() > 1 {
            self.push(segments, line);
        }
    }

    /// One branch of a use declaration, up to the `,`, `}` or `;` behind it.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.text(0) {
                "" | "," | "}" | ";" => return self.push_branch(segments, prefix, line),
                "{" => return self.use_group(&segments),
                "as" => self.at += 1,
                "self" if !segments.is_empty() => {}
                "::" => {}
                name => segments.push(name.to_owned()),
            }
            self.at += 1;
        }
    }

    fn push_branch(&mut self, segments: Vec<String>, prefix: &[String], line: usize) {
        if segments.len() > prefix.len() || !prefix.is_empty() {
            self.push(segments, line);
        }
    }

    fn use_group(&mut self, prefix: &[String]) {
        self.at += 1;
        while !matches!(self.text(0), "" | "}") {
            self.use_tree(prefix);
            if self.text(0) == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn push(&mut self, segments: Vec<String>, line: usize) {
        let within = self.within.iter().map(|(name, _)| name.clone()).collect();
        self.out.push(Path { segments, within, line });
    }
}
