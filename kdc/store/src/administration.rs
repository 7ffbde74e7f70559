//! The operations of administration ([`kennel_core::admin`]) on a store: what an operation needs is read, core decides, and the result is
//! written by compare-and-swap.

use crate::principal_store::PrincipalStore;
use kennel_core::admin::caller::Caller;
use kennel_core::admin::operation::{Answer, Operation};
use kennel_core::admin::refusal::AdminRefusal;
use kennel_wire::message::Timestamp;
use std::sync::Arc;

/// Performs operations on the principals of one realm.
pub struct Administration {
    #[expect(dead_code, reason = "the operations come with the next commit")]
    store: Arc<dyn PrincipalStore>,
}

impl Administration {
    /// Performs operations on this store.
    #[must_use]
    pub fn new(store: Arc<dyn PrincipalStore>) -> Administration {
        Administration { store }
    }

    /// Performs one operation for a caller.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn perform(&self, caller: &Caller, operation: Operation, now: Timestamp) -> Result<Answer, AdminRefusal> {
        let (_, _, _) = (caller, operation, now);
        Err(AdminRefusal::NotSupported("administration comes with the next commit"))
    }

    /// Performs one operation, also on a principal that objects of the cluster own. [`PrincipalChanges::force`] asks the same for
    /// one change.
    ///
    /// [`PrincipalChanges::force`]: kennel_core::admin::operation::PrincipalChanges::force
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn perform_forced(
        &self,
        caller: &Caller,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Answer, AdminRefusal> {
        self.perform(caller, operation, now).await
    }
}
