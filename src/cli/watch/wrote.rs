//! Everything that the user wrote and a watch goes by: read when it begins, and again on SIGHUP.

use std::sync::Arc;

use crate::cli::args::AuditArgs;
use crate::cli::authorities;
use crate::cli::keys::Keys;
use crate::cli::rules::load;
use crate::cli::{policy, services};
use crate::engine::Judges;
use crate::identity::Directory;
use crate::model::Diagnostic;

/// What a watch goes by.
pub(super) struct Wrote {
    pub(super) judges: Judges,
}

impl Wrote {
    /// Reads everything.
    ///
    /// # Errors
    /// What is wrong with the first part that is not sound; nothing is in force of any.
    pub(super) fn read(args: &AuditArgs) -> Result<Self, Vec<Diagnostic>> {
        let rules = Arc::new(load(&args.rules)?);
        let (authorities, lost) = authorities::load(&args.trust, &args.crl)?;
        let services = Arc::new(services::load(&args.services)?);
        let directory = Directory::of(Arc::clone(&services));
        let policy = args.policy.as_deref().map(policy::load).transpose()?;
        let misspelt = policy.as_ref().map(|policy| policy::misspelt(policy, &services));
        if let Some(misspelt) = misspelt.filter(|misspelt| !misspelt.is_empty()) {
            return Err(misspelt);
        }
        Ok(Self { judges: Judges { rules, authorities, directory, policy, lost } })
    }

    /// Reads the key logs anew, into the keys that are in use.
    ///
    /// # Errors
    /// A key log cannot be read.
    pub(super) fn read_keys(args: &AuditArgs, into: &Keys) -> Result<(), Vec<Diagnostic>> {
        into.read_again(&args.keylog).map_err(|error| vec![error.diagnostic()])
    }
}
