//! Grades: what a service or an edge comes to, how sure that is, why, and what would make it better.

use std::fmt;

use super::{Confidence, Severity, Text};

/// A grade. It is as good as the worst thing that was seen allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grade {
    /// Mutual TLS throughout, and nothing to find fault with.
    A,
    /// Encrypted, with something to tidy up or something that could not be seen.
    B,
    /// A protection is weakened.
    C,
    /// A protection that users rely on is not there.
    D,
    /// Some of it crosses readable.
    E,
    /// Open to anyone on the path.
    F,
}

impl Grade {
    /// All of them, best first.
    pub const ALL: [Self; 6] = [Self::A, Self::B, Self::C, Self::D, Self::E, Self::F];

    /// The letter.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
            Self::F => "F",
        }
    }

    /// Reads the letter.
    #[must_use]
    pub fn parse(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.name() == letter)
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What holds a grade down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// Readable and answered, half of the sessions or more.
    PlaintextMost,
    /// A finding of this severity, open or accepted.
    Finding(Severity),
    /// Readable and answered, fewer than half of the sessions.
    PlaintextSome,
    /// A version of TLS that was withdrawn.
    ObsoleteVersion,
    /// A certificate that no verifier should take.
    BrokenCertificate,
    /// Readable, and never beyond the machine.
    PlaintextLocal,
    /// TLS without a certificate of the client.
    ClientUnproven,
    /// TLS whose client could not be seen.
    ClientHidden,
    /// Sessions of unknown posture.
    NotSeen,
}

/// One line of the table of grades.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ceiling {
    /// What it is about.
    pub cause: Cause,
    /// Its word in reports for programs.
    pub code: &'static str,
    /// The best grade that is left.
    pub grade: Grade,
    /// When it applies.
    pub when: &'static str,
    /// What lifts it; for findings the rule says so.
    pub step: &'static str,
}

const RULE_SAYS: &str = "what the rule says";

/// The table of grades, worst first. `docs/grades.md` shows it.
#[rustfmt::skip]
pub const CEILINGS: &[Ceiling] = &[
    Ceiling { cause: Cause::PlaintextMost, code: "plaintext-most", grade: Grade::F, when: "half of the sessions or more were readable and were answered", step: "Serve TLS, move the clients to it, then refuse plaintext and require client certificates" },
    Ceiling { cause: Cause::Finding(Severity::Critical), code: "critical-finding", grade: Grade::F, when: "a finding of severity critical", step: RULE_SAYS },
    Ceiling { cause: Cause::PlaintextSome, code: "plaintext-some", grade: Grade::E, when: "fewer than half of the sessions were readable and were answered", step: "Move the clients that still speak plaintext to TLS, then refuse plaintext" },
    Ceiling { cause: Cause::Finding(Severity::High), code: "high-finding", grade: Grade::D, when: "a finding of severity high", step: RULE_SAYS },
    Ceiling { cause: Cause::ObsoleteVersion, code: "obsolete-version", grade: Grade::D, when: "a session used SSL or a version of TLS before 1.2", step: "Set the least version to TLS 1.2, better 1.3, at both ends" },
    Ceiling { cause: Cause::BrokenCertificate, code: "broken-certificate", grade: Grade::D, when: "a leaf was in use that a verifier should refuse: out of date, revoked, of the wrong name or usage, of an unknown issuer, or with a signature that is not its issuer's", step: "Replace the certificate, and make sure that clients verify it" },
    Ceiling { cause: Cause::Finding(Severity::Medium), code: "medium-finding", grade: Grade::C, when: "a finding of severity medium", step: RULE_SAYS },
    Ceiling { cause: Cause::PlaintextLocal, code: "plaintext-local", grade: Grade::C, when: "sessions were readable, between loopback addresses only", step: "Use TLS here too, or a socket that only these two processes can open" },
    Ceiling { cause: Cause::Finding(Severity::Low), code: "low-finding", grade: Grade::B, when: "a finding of severity low", step: RULE_SAYS },
    Ceiling { cause: Cause::ClientUnproven, code: "client-unproven", grade: Grade::B, when: "TLS sessions in which the client did not authenticate with a certificate", step: "Require client certificates at the server, and give every client one" },
    Ceiling { cause: Cause::ClientHidden, code: "client-hidden", grade: Grade::B, when: "TLS sessions of which could not be told whether the client authenticated", step: "Capture the beginning of connections, or give the keys (--keylog), so that mutual TLS can be shown" },
    Ceiling { cause: Cause::NotSeen, code: "not-seen", grade: Grade::B, when: "sessions of unknown posture, besides others that are known", step: "Capture both directions from the beginning of connections, so that these sessions can be judged" },
];

impl Cause {
    /// Its line of the table; findings of severity info have none.
    #[must_use]
    pub fn ceiling(self) -> Option<&'static Ceiling> {
        CEILINGS.iter().find(|ceiling| ceiling.cause == self)
    }
}

/// Why a grade is no better.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// The line of the table that applies.
    pub ceiling: &'static Ceiling,
    /// The rule's code, for findings.
    pub rule: Option<Text>,
    /// What was seen, in words. Escaped.
    pub what: Text,
    /// What the rule says to do about it, for findings.
    pub fix: Option<Text>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Whether the user accepts it; it counts all the same.
    pub accepted: bool,
}

impl Reason {
    /// What to do about it.
    #[must_use]
    pub fn step(&self) -> &str {
        self.fix.as_deref().unwrap_or(self.ceiling.step)
    }
}

/// A step that makes a grade better.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lift<'a> {
    /// What to do.
    pub step: &'a str,
    /// The rules that say so, by code.
    pub rules: Vec<&'a str>,
    /// The best grade that is left when this step and all before it are done.
    pub to: Grade,
}

/// What a service or an edge comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Graded {
    /// The grade; `None` when no session could be judged and nothing was found.
    pub grade: Option<Grade>,
    /// How sure it is: what was not seen lowers it.
    pub certainty: Confidence,
    /// Why it is not more certain.
    pub doubts: Vec<Text>,
    /// What holds it down, worst first; nothing for an A.
    pub reasons: Vec<Reason>,
}

impl Default for Graded {
    fn default() -> Self {
        Self { grade: None, certainty: Confidence::Low, doubts: Vec::new(), reasons: Vec::new() }
    }
}

impl Graded {
    /// The letter, or a dash where nothing could be judged.
    #[must_use]
    pub fn letter(&self) -> &'static str {
        self.grade.map_or("-", Grade::name)
    }

    /// What would lift it, in the order of effect: one step for every distinct thing to do, and the grade that is left
    /// after it and those before.
    #[must_use]
    pub fn lifts(&self) -> Vec<Lift<'_>> {
        let mut lifts: Vec<Lift<'_>> = Vec::with_capacity(self.reasons.len());
        let mut needed = Vec::with_capacity(self.reasons.len());
        for reason in &self.reasons {
            let known = lifts.iter().position(|lift| lift.step == reason.step());
            let at = known.unwrap_or(lifts.len());
            if known.is_none() {
                lifts.push(Lift { step: reason.step(), rules: Vec::new(), to: Grade::A });
            }
            if let (Some(lift), Some(rule)) = (lifts.get_mut(at), &reason.rule) {
                lift.rules.push(rule);
            }
            needed.push(at);
        }
        for (at, lift) in lifts.iter_mut().enumerate() {
            let left = self.reasons.iter().zip(&needed).filter(|(_, needs)| **needs > at);
            lift.to = left.map(|(reason, _)| reason.ceiling.grade).max().unwrap_or(Grade::A);
        }
        lifts
    }

    /// A mark for what is not certain: nothing, `?` or `??`.
    #[must_use]
    pub fn doubt(&self) -> &'static str {
        match (self.grade, self.certainty) {
            (None, _) | (_, Confidence::High) => "",
            (_, Confidence::Medium) => "?",
            (_, Confidence::Low) => "??",
        }
    }

    /// The letter with its mark: `B`, `B?`, `B??`.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("{}{}", self.letter(), self.doubt())
    }
}
