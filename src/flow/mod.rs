//! From segments to two ordered byte streams per connection.
//!
//! Takes [`crate::decode::Segment`]s in frame order, and those datagrams of UDP that are conversations; gives each
//! connection's bytes in order to a [`StreamReader`] and, when the connection has ended, what TCP itself showed of it. Knows
//! nothing of protocols above TCP, has no clock and no threads: what it does depends on what it takes alone.

mod assembler;
mod connection;
mod conversations;
mod generations;
mod half_open;
mod recent;
mod side;
mod slots;
mod table;

pub use assembler::{Assembler, Bounds, TooMuchPending};
pub use conversations::{Ask, Conversations, Hail, Heard, Turn};
pub use table::{Ended, Table, TableCounts, shard_of};

use crate::model::{Direction, Moment};

/// Reads the byte streams of one connection.
pub trait StreamReader {
    /// Reads bytes that come next in one direction, and says how many it used; the rest is given again with more.
    fn read(&mut self, direction: Direction, bytes: &[u8], at: Moment) -> (usize, Want);

    /// Takes note that bytes of one direction are not in the capture.
    fn gap(&mut self, direction: Direction, missing: u64, at: Moment) -> Want;

    /// Bytes it holds that peers can inflate.
    fn held(&self) -> usize {
        0
    }

    /// Another one that has learned the same, to ask what that is while this one goes on; `None` when there can be none.
    fn copy(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Takes note, before the first read, that the capture joined the connection after its beginning.
    fn joined_midstream(&mut self);
}

/// Makes the reader of a new connection.
pub type Maker<R> = Box<dyn Fn() -> R + Send>;

/// What a reader wants next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// More bytes of either direction.
    More,
    /// More, and what was left over in the other direction may be readable now.
    Both,
    /// Nothing: the connection need not be reassembled any longer.
    Nothing,
    /// Client and server are the other way round: turn them and give the same bytes again.
    Reverse,
}
