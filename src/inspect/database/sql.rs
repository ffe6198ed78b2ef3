//! The verb of an SQL statement, and nothing else of it: what follows may hold anything.

use super::super::Probe;

/// Verbs that statements begin with.
const VERBS: &[&[u8]] = &[
    b"SELECT",
    b"INSERT",
    b"UPDATE",
    b"DELETE",
    b"CREATE",
    b"ALTER",
    b"DROP",
    b"BEGIN",
    b"START",
    b"COMMIT",
    b"ROLLBACK",
    b"SAVEPOINT",
    b"RELEASE",
    b"SET",
    b"SHOW",
    b"USE",
    b"WITH",
    b"MERGE",
    b"REPLACE",
    b"TRUNCATE",
    b"GRANT",
    b"REVOKE",
    b"EXPLAIN",
    b"DESCRIBE",
    b"DESC",
    b"ANALYZE",
    b"VACUUM",
    b"COPY",
    b"LOCK",
    b"UNLOCK",
    b"CALL",
    b"EXECUTE",
    b"EXEC",
    b"PREPARE",
    b"DEALLOCATE",
    b"DECLARE",
    b"FETCH",
    b"CLOSE",
    b"LISTEN",
    b"NOTIFY",
    b"UNLISTEN",
    b"RESET",
    b"DISCARD",
    b"DO",
    b"LOAD",
    b"KILL",
    b"FLUSH",
    b"VALUES",
    b"TABLE",
    b"COMMENT",
    b"REINDEX",
    b"REFRESH",
    b"END",
    b"ABORT",
    b"CHECKPOINT",
    b"CLUSTER",
    b"RENAME",
    b"OPTIMIZE",
    b"CHECK",
    b"HANDLER",
    b"XA",
    b"BATCH",
    b"APPLY",
];

/// Whether a statement begins here with a verb of the list and more behind it: what tells a statement from other bytes
/// where the capture joined late.
pub(super) fn begins(text: &[u8]) -> Probe {
    let length = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, behind) = text.split_at_checked(length).unwrap_or_default();
    let starts = |verb: &&&[u8]| verb.get(..length).is_some_and(|v| v.eq_ignore_ascii_case(word));
    match behind.first() {
        None if VERBS.iter().any(|verb| starts(&verb)) => Probe::Unsure,
        Some(b' ' | b'\n' | b'\r' | b'\t')
            if VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(word)) =>
        {
            Probe::Yes
        }
        _ => Probe::No,
    }
}

/// What a statement is named that begins with no verb of the list.
const OTHER: &[u8] = b"SQL";

/// The verb of a statement, in capitals.
pub(super) fn verb(mut statement: &[u8]) -> &'static [u8] {
    loop {
        let trimmed = statement.trim_ascii_start();
        let trimmed = trimmed.strip_prefix(b"(").unwrap_or(trimmed);
        let behind = if trimmed.starts_with(b"/*") {
            memchr::memmem::find(trimmed, b"*/").and_then(|end| trimmed.get(end + 2..))
        } else if trimmed.starts_with(b"--") || trimmed.starts_with(b"#") {
            memchr::memchr(b'\n', trimmed).and_then(|end| trimmed.get(end + 1..))
        } else {
            None
        };
        match behind {
            Some(behind) => statement = behind,
            None if trimmed.len() < statement.len() => statement = trimmed,
            None => break,
        }
    }
    let end = statement.iter().position(|byte| !byte.is_ascii_alphabetic());
    let word = statement.get(..end.unwrap_or(statement.len())).unwrap_or_default();
    VERBS.iter().copied().find(|verb| verb.eq_ignore_ascii_case(word)).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_is_found_behind_blanks_comments_and_brackets() {
        assert_eq!(verb(b"select 1"), b"SELECT");
        assert_eq!(verb(b" /* trace */ -- x\n((Insert into t"), b"INSERT");
        assert_eq!(verb(b"/* without end"), OTHER);
        assert_eq!(verb(b"s3cret"), OTHER);
        assert_eq!(verb(b""), OTHER);
    }

    #[test]
    fn a_statement_begins_with_a_verb_and_a_blank() {
        assert_eq!(begins(b"select 1"), Probe::Yes);
        assert_eq!(begins(b"sel"), Probe::Unsure);
        assert_eq!(begins(b"selection 1"), Probe::No);
        assert_eq!(begins(b"\x01SELECT 1"), Probe::No);
    }
}
