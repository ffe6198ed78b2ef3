//! How far decoding has come in a frame, and through what.

use super::Fault;
use super::tunnel::{Tunnel, TunnelKind};
use crate::model::limits;

/// The way from the outside of a frame to where decoding is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// Headers that may still follow.
    left: usize,
    /// Outermost tag of the innermost Ethernet frame; 0 when there is none.
    pub(super) vlan: u16,
    /// Whether a header around the packet says that it ends where its bytes end.
    pub(super) bounded: bool,
    /// The innermost tunnel.
    pub(super) tunnel: Option<Tunnel>,
    opened: Opened,
}

/// A set of kinds of tunnels.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Opened(u16);

impl Path {
    pub(super) fn new() -> Self {
        Self {
            left: limits::HEADER_DEPTH,
            vlan: 0,
            bounded: false,
            tunnel: None,
            opened: Opened::default(),
        }
    }

    /// Goes into one more header. All layers draw on the same bound, or each would multiply that of those around it.
    pub(super) fn step(&mut self) -> Result<(), Fault> {
        self.left = self.left.checked_sub(1).ok_or(Fault::Depth)?;
        Ok(())
    }

    /// Goes into a tunnel.
    pub(super) fn enter(&mut self, tunnel: Tunnel) {
        self.tunnel = Some(tunnel);
        self.opened.0 |= Opened::bit(tunnel.kind);
    }

    /// The kinds of tunnels that were gone into.
    pub(super) fn opened(&self) -> Opened {
        self.opened
    }
}

impl Opened {
    pub(super) fn any(self) -> bool {
        self.0 != 0
    }

    pub(super) fn has(self, kind: TunnelKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    fn bit(kind: TunnelKind) -> u16 {
        1 << kind as u16
    }
}
