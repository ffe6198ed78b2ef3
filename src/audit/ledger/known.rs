//! Where what a rule says of an edge is counted, found without writing down again what tells findings apart.

use smallvec::SmallVec;

use crate::audit::inventory::EdgeNumber;
use crate::model::limits;
use crate::rule::{Hit, Verdict};

/// Places in a ledger, by edge, rule and verdict.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By the edge's number. About most edges few rules say anything.
    edges: Vec<SmallVec<[(u32, u32); 6]>>,
    count: usize,
}

impl Known {
    pub(super) fn place(&self, edge: EdgeNumber, hit: &Hit) -> Option<usize> {
        let said = said(hit)?;
        let known = self.edges.get(edge.0)?;
        let (_, place) = known.iter().find(|(known, _)| *known == said)?;
        usize::try_from(*place).ok()
    }

    /// Remembers a place that is not known yet.
    pub(super) fn put(&mut self, edge: EdgeNumber, hit: &Hit, place: usize) {
        let (Some(said), Ok(place)) = (said(hit), u32::try_from(place)) else { return };
        let EdgeNumber(edge) = edge;
        if edge >= limits::EDGES || self.count >= limits::EDGE_VERDICTS {
            return;
        }
        if self.edges.len() <= edge {
            self.edges.resize_with(edge + 1, SmallVec::new);
        }
        if let Some(known) = self.edges.get_mut(edge)
            && !known.iter().any(|(known, _)| *known == said)
        {
            known.push((said, place));
            self.count += 1;
        }
    }
}

fn said(hit: &Hit) -> Option<u32> {
    let verdict = match hit.verdict {
        Verdict::Hit => 0,
        Verdict::NotObservable => 1,
    };
    u32::try_from(hit.rule).ok()?.checked_mul(2)?.checked_add(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Confidence, Severity};

    #[test]
    fn every_edge_rule_and_verdict_has_its_place() {
        let hit = |rule, verdict| Hit {
            rule,
            verdict,
            severity: Severity::High,
            confidence: Confidence::High,
            facts: None,
        };
        let mut known = Known::default();
        let all = || {
            let verdicts = [Verdict::Hit, Verdict::NotObservable];
            let hits = (0..9).flat_map(move |rule| verdicts.map(|verdict| hit(rule, verdict)));
            hits.flat_map(|hit| [4, 0, 7].map(|edge| (EdgeNumber(edge), hit.clone())))
        };
        for (place, (edge, hit)) in all().enumerate() {
            assert_eq!(known.place(edge, &hit), None);
            known.put(edge, &hit, place);
            known.put(edge, &hit, usize::MAX);
        }
        for (place, (edge, hit)) in all().enumerate() {
            assert_eq!(known.place(edge, &hit), Some(place));
        }
    }
}
