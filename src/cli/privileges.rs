//! What a command gives up once it has what it needs.

use super::audit::Refusal;
use super::terminal::Terminal;
use super::watch::WatchArgs;

/// Gives up what a watch does not need any more.
pub(super) fn drop_for_watch(_: &WatchArgs, _: &Terminal) -> Result<(), Refusal> {
    Ok(())
}
