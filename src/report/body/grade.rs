//! A grade, why it is no better, and what would lift it.

use serde::Serialize;

use crate::model::{Graded, Lift, Reason, Text};

/// What a service or an edge comes to.
#[derive(Serialize)]
pub(in crate::report) struct GradeBody<'a> {
    grade: Option<&'static str>,
    certainty: &'static str,
    doubts: &'a [Text],
    reasons: Vec<ReasonBody<'a>>,
    lifts: Vec<LiftBody<'a>>,
}

#[derive(Serialize)]
struct ReasonBody<'a> {
    code: &'static str,
    at_best: &'static str,
    rule: Option<&'a str>,
    what: &'a str,
    accepted: bool,
}

#[derive(Serialize)]
struct LiftBody<'a> {
    step: &'a str,
    rules: Vec<&'a str>,
    to: &'static str,
}

impl<'a> GradeBody<'a> {
    pub(in crate::report) fn of(graded: &'a Graded) -> Self {
        Self {
            grade: graded.grade.map(|grade| grade.name()),
            certainty: graded.certainty.name(),
            doubts: &graded.doubts,
            reasons: graded.reasons.iter().map(ReasonBody::of).collect(),
            lifts: graded.lifts().into_iter().map(LiftBody::of).collect(),
        }
    }
}

impl<'a> ReasonBody<'a> {
    fn of(reason: &'a Reason) -> Self {
        Self {
            code: reason.ceiling.code,
            at_best: reason.ceiling.grade.name(),
            rule: reason.rule.as_deref(),
            what: &reason.what,
            accepted: reason.accepted,
        }
    }
}

impl<'a> LiftBody<'a> {
    fn of(lift: Lift<'a>) -> Self {
        Self { step: lift.step, rules: lift.rules, to: lift.to.name() }
    }
}
