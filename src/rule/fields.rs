//! All fields of all subjects in one place, found by name.

use std::sync::LazyLock;

use crate::model::{Field, Kind, Seen, Subject, SubjectKind, Value};
use crate::{identity, inspect, pki};

use super::source::{nearest, suggestion};
use super::{policy_fields, run_fields};

/// The fields of one kind of subject, sorted by path. A field's number is its place here.
#[derive(Debug)]
pub struct FieldTable {
    /// The kind of subject.
    pub on: SubjectKind,
    /// Its fields, sorted by path.
    pub fields: Vec<&'static Field>,
}

static TABLES: LazyLock<Vec<FieldTable>> = LazyLock::new(|| {
    SubjectKind::ALL.iter().map(|(_, on)| FieldTable { on: *on, fields: collect(*on) }).collect()
});

static NO_FIELDS: FieldTable = FieldTable { on: SubjectKind::Run, fields: Vec::new() };

/// The fields that can be asked of one kind of subject.
#[must_use]
pub fn fields_of(on: SubjectKind) -> &'static FieldTable {
    TABLES.iter().find(|table| table.on == on).unwrap_or(&NO_FIELDS)
}

fn collect(on: SubjectKind) -> Vec<&'static Field> {
    let tables: [&'static [Field]; 13] = [
        inspect::SESSION_FIELDS,
        inspect::READABLE_FIELDS,
        inspect::MESH_FIELDS,
        inspect::tls::FIELDS,
        pki::FIELDS,
        pki::CHANGE_FIELDS,
        pki::CHAIN_FIELDS,
        pki::RELIANCE_FIELDS,
        identity::FIELDS,
        identity::ACCESS_FIELDS,
        identity::CREDENTIAL_FIELDS,
        policy_fields::FIELDS,
        run_fields::FIELDS,
    ];
    let protocols = inspect::PROTOCOLS.iter().map(|protocol| protocol.fields());
    let mut fields: Vec<&'static Field> =
        tables.into_iter().chain(protocols).flatten().filter(|field| field.on == on).collect();
    fields.sort_by_key(|field| field.path);
    fields.dedup_by_key(|field| field.path);
    fields
}

impl FieldTable {
    /// The number of the field with this path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        self.fields.binary_search_by_key(&path, |field| field.path).ok()
    }

    /// The field with this number.
    #[must_use]
    pub fn field(&self, number: usize) -> Option<&'static Field> {
        self.fields.get(number).copied()
    }

    /// What a subject has for the field with this number.
    #[must_use]
    pub fn read<'a>(&self, number: usize, subject: &Subject<'a>) -> Seen<Value<'a>> {
        self.field(number).map_or(Seen::NotReached, |field| (field.get)(subject))
    }

    /// What the user may have meant by a path that is not a field: its error's message, label and help.
    pub(crate) fn unknown(&self, path: &str) -> (String, String, String) {
        let group = path.split('.').next().unwrap_or_default();
        let siblings: Vec<&str> = self
            .fields
            .iter()
            .filter(|field| field.path.split('.').next() == Some(group))
            .map(|field| field.path)
            .collect();
        let all = self.fields.iter().map(|field| field.path);
        let meant = nearest(path, siblings.iter().copied()).or_else(|| nearest(path, all));
        let help = self.listing(group, &siblings);
        match path.split_once('.') {
            Some((group, rest)) if !siblings.is_empty() => {
                let near = meant.map(|path| path.strip_prefix(group).unwrap_or(path));
                let near = near.map(|rest| rest.trim_start_matches('.'));
                (format!("{group} has no field \"{rest}\""), suggestion(near), help)
            }
            _ => {
                let message = format!("there is no field \"{path}\" on {}", with_article(self.on));
                (message, suggestion(meant), help)
            }
        }
    }

    fn listing(&self, group: &str, siblings: &[&str]) -> String {
        if siblings.is_empty() {
            let mut groups: Vec<&str> =
                self.fields.iter().filter_map(|field| field.path.split('.').next()).collect();
            groups.dedup();
            return format!(
                "{} has {}.* (wirelint rules fields)",
                with_article(self.on),
                groups.join(".*, ")
            );
        }
        let names: Vec<&str> = siblings.iter().take(6).copied().collect();
        let more = if siblings.len() > names.len() { ", ..." } else { "" };
        format!("fields: {}{more} (wirelint rules fields {group})", names.join(", "))
    }
}

fn with_article(on: SubjectKind) -> String {
    let name = on.name();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// A field's value in words, for messages and evidence; of a long list only its beginning.
pub(crate) fn words(value: &Seen<Value<'_>>) -> String {
    words_of(value, crate::model::limits::SHOWN_ENTRIES)
}

/// A field's value in words, a list with all its entries.
pub(crate) fn all_words(value: &Seen<Value<'_>>) -> String {
    words_of(value, usize::MAX)
}

fn words_of(value: &Seen<Value<'_>>, most: usize) -> String {
    match value {
        Seen::Value(Value::Bool(value)) => value.to_string(),
        Seen::Value(Value::Int(value)) => value.to_string(),
        Seen::Value(Value::Text(text)) => text.to_string(),
        Seen::Value(Value::Time(time)) => time.to_seconds_text(),
        Seen::Value(Value::Texts(texts)) => join(texts, most),
        Seen::Value(Value::Ints(ints)) => join(ints, most),
        Seen::Absent => "(none)".to_owned(),
        Seen::NotReached | Seen::Hidden(_) => "(not observable)".to_owned(),
    }
}

fn join<T: ToString>(list: &[T], most: usize) -> String {
    let shown: Vec<String> = list.iter().take(most).map(ToString::to_string).collect();
    let more = list.len() - shown.len();
    match (shown.is_empty(), more) {
        (true, _) => "(none)".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// One row of `wirelint rules fields`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldRow {
    /// Dotted name.
    pub path: &'static str,
    /// On which subject it can be asked.
    pub on: &'static str,
    /// Its type.
    pub kind: &'static str,
    /// A value it may have.
    pub example: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// The rows of `wirelint rules fields [PREFIX]`, by subject and path.
#[must_use]
pub fn field_rows(prefix: &str) -> Vec<FieldRow> {
    TABLES
        .iter()
        .flat_map(|table| table.fields.iter())
        .filter(|field| field.path.starts_with(prefix))
        .map(|field| FieldRow {
            path: field.path,
            on: field.on.name(),
            kind: field.kind.name(),
            example: field.example,
            doc: field.doc,
        })
        .collect()
}

/// The list of fields as it stands in `docs/rules.md`.
#[must_use]
pub fn fields_markdown() -> String {
    let mut out = String::new();
    for table in TABLES.iter() {
        out.push_str(&format!("\n### On {}\n\n", with_article(table.on)));
        out.push_str("| field | type | meaning | example |\n|---|---|---|---|\n");
        for field in &table.fields {
            out.push_str(&format!(
                "| `{}` | {} | {} | `{}` |\n",
                field.path,
                field.kind.name(),
                field.doc,
                field.example
            ));
        }
    }
    out
}

/// A value's type.
pub(crate) fn kind_of(value: &Value<'_>) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) => Kind::Int,
        Value::Text(_) => Kind::Text,
        Value::Time(_) => Kind::Time,
        Value::Texts(_) => Kind::Texts,
        Value::Ints(_) => Kind::Ints,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Answer, AuditedSession, ClientOffer, EndState, Facts, FrameNo, KeyExchange, Moment, Part,
        Posture, ServerHello, fixture,
    };

    /// Sessions that differ in everything that is no part of their own.
    fn sessions() -> Vec<AuditedSession> {
        let mut all = vec![fixture::mutual(1), fixture::plaintext(2)];
        all.push(fixture::session(3, Posture::Unknown));
        for audited in all.clone() {
            let mut other = audited.clone();
            other.session.traffic = Default::default();
            other.session.stream.gap_bytes.to_server = 9;
            other.session.end = EndState::Timeout;
            other.session.start_seen = false;
            all.push(other);
            let mut turned = audited;
            std::mem::swap(&mut turned.session.client, &mut turned.session.server);
            turned.session.stream.gap_bytes.to_client = 9;
            turned.session.protocol = Some("redis");
            turned.recalled.repeated = 2;
            all.push(turned);
        }
        all
    }

    fn remove(part: Part, facts: &mut Facts) {
        match part {
            Part::Whole => {}
            Part::Tls | Part::Offer | Part::Answer | Part::Exchange => facts.tls = None,
            Part::Readable => (facts.calls, facts.readable) = (None, None),
        }
    }

    #[test]
    fn a_field_says_the_same_of_all_sessions_without_what_it_tells_of() {
        for part in Part::ALL.into_iter().filter(|part| *part != Part::Whole) {
            let mut all = sessions();
            all.iter_mut().for_each(|audited| remove(part, &mut audited.session.facts));
            assert!(all.iter().all(|audited| !Subject::Session(audited).has(part)));
            let told = fields_of(SubjectKind::Session).fields.iter();
            let told: Vec<_> = told.filter(|field| field.part == part).collect();
            let brief = matches!(part, Part::Offer | Part::Answer | Part::Exchange);
            assert!(told.len() > if brief { 3 } else { 20 }, "{part:?}");
            told.into_iter().for_each(|field| says_the_same(field, &all));
        }
    }

    fn says_the_same(field: &Field, all: &[AuditedSession]) {
        let mut said = all.iter().map(|audited| (field.get)(&Subject::Session(audited)));
        let first = said.next();
        assert!(said.all(|other| Some(other) == first), "{}", field.path);
    }

    /// Sessions that say the same of a part in few words, and other things of all else.
    fn with_the_same_gist(part: Part, number: u16) -> Vec<AuditedSession> {
        let mut all = sessions();
        all.retain(|audited| audited.session.facts.tls.is_some());
        for (audited, other) in all.iter_mut().zip(0u16..) {
            let tls = audited.session.facts.tls.as_mut().unwrap();
            tls.decryption.extensions = other % 2 == 0;
            let same = |here, there| if part == here { number } else { there };
            let suite =
                [0xc02f, 0x0005, 0x1301, 0xfefe][usize::from(same(Part::Answer, other)) % 4];
            let answer = Answer { version: 0x0303, suite, ..Answer::default() };
            let alpn = (other % 3 == 0).then(|| "h2".to_owned());
            let hello = ServerHello { alpn, malformed: other > 1, answer, ..Default::default() };
            tls.server_hello = Seen::Value(Box::new(hello));
            let version = 0x0300 + same(Part::Offer, other);
            let offer = ClientOffer {
                versions: vec![version; usize::from(other) + 1],
                legacy_version: other,
                suites: vec![other],
                sni: Some(other.to_string()),
                ech: other % 2 == 0,
                ..ClientOffer::default()
            };
            tls.client_hello = Seen::Value(Box::new(offer.into()));
            let group = Some(same(Part::Exchange, other));
            let at = Moment { frame: FrameNo(other.into()), ..Moment::default() };
            tls.key_exchange = Seen::Value(KeyExchange { at, group, ..KeyExchange::default() });
        }
        all
    }

    #[test]
    fn a_field_of_a_part_with_a_gist_is_told_from_it() {
        for part in [Part::Offer, Part::Answer, Part::Exchange] {
            let gists: Vec<_> = (0..4)
                .map(|number| {
                    let all = with_the_same_gist(part, number);
                    assert!(all.len() > 2);
                    let told = fields_of(SubjectKind::Session).fields.iter();
                    told.filter(|field| field.part == part)
                        .for_each(|field| says_the_same(field, &all));
                    let mut gists: Vec<_> =
                        all.iter().map(|audited| Subject::Session(audited).gist(part)).collect();
                    gists.dedup();
                    assert_eq!(gists.len(), 1, "{part:?}");
                    gists.remove(0)
                })
                .collect();
            assert!(gists.iter().all(Option::is_some));
            assert!(gists.windows(2).all(|two| two[0] != two[1]), "{gists:?}");
        }
    }
}
