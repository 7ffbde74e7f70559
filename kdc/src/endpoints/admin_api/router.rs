//! Every path of the admin API, for the listeners that serve it.

use crate::endpoints::admin_api::administration::{self, OperationApi};
use crate::endpoints::admin_api::api::{self, AdminApi};
use crate::endpoints::admin_api::callers::Callers;
use crate::endpoints::admin_api::master_key;
use crate::endpoints::admin_api::rotation::{self, KeyApi};
use crate::serve::master_key::MasterKeyRotation;
use axum::Router;
use std::sync::Arc;

/// The responders.
pub(crate) struct AdminRouter {
    pub(crate) decisions: Arc<AdminApi>,
    pub(crate) keys: Arc<KeyApi>,
    pub(crate) operations: Arc<OperationApi>,
    pub(crate) master_key: Arc<MasterKeyRotation>,
}

impl AdminRouter {
    /// Returns the router of all paths, for these callers.
    pub(crate) fn routes(&self, callers: Callers) -> Router {
        api::router(self.decisions.clone(), callers.clone())
            .merge(rotation::router(self.keys.clone(), callers.clone()))
            .merge(administration::router(self.operations.clone(), callers.clone()))
            .merge(master_key::router(self.master_key.clone(), callers))
    }
}
