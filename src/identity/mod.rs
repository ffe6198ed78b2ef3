//! Who is who.
//!
//! Takes addresses, gives the names that people know them by. Sends nothing and asks nobody: a name comes from what the
//! user wrote or from the wire, never from DNS.

mod access_fields;
mod credential_fields;
mod directory;
mod evidence;
mod fields;
mod import;
mod names;
mod proven;
mod services;

pub use access_fields::ACCESS_FIELDS;
pub use credential_fields::CREDENTIAL_FIELDS;
pub use directory::Directory;
pub use evidence::Evidence;
pub(crate) use evidence::is_host_name;
pub use fields::FIELDS;
pub use import::{ImportFormat, import};
pub use names::Names;
pub use proven::proven_leaf;
pub use services::{Match, Services, address};
