//! Where what a rule says of an edge is counted, found without writing down again what tells findings apart.

use hashbrown::HashMap;

use crate::audit::inventory::EdgeNumber;
use crate::model::limits;
use crate::rule::{Hit, Verdict};

/// Places in a ledger, by edge, rule and verdict.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<(EdgeNumber, u32), u32, foldhash::quality::RandomState>);

impl Known {
    pub(super) fn place(&self, edge: EdgeNumber, hit: &Hit) -> Option<usize> {
        let place = self.0.get(&(edge, said(hit)?))?;
        usize::try_from(*place).ok()
    }

    pub(super) fn put(&mut self, edge: EdgeNumber, hit: &Hit, place: usize) {
        if let (Some(said), Ok(place)) = (said(hit), u32::try_from(place))
            && self.0.len() < limits::EDGES
        {
            self.0.insert((edge, said), place);
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
