//! Reads who calls pods without Kerberos from the API server.

use crate::callers::caller::OutsideCaller;
use crate::callers::kind::CallerKind;
use crate::callers::object::callers;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};

/// Objects in one page of a listing: definitions are large.
const PAGE: u32 = 50;
/// Most callers that are kept.
const MOST: usize = 20_000;

/// What was read.
#[derive(Debug, Default)]
pub struct CallersFound {
    /// The callers.
    pub callers: Vec<OutsideCaller>,
    /// Kinds that the API server serves and lets nobody list with this client.
    pub forbidden: Vec<CallerKind>,
}

/// Reads the callers of all kinds. A kind that is not served has none.
///
/// # Errors
/// Those of the API server, but for permissions that are missing.
pub async fn read_callers(client: &Client) -> kube::Result<CallersFound> {
    let mut found = CallersFound::default();
    for kind in CallerKind::ALL {
        match read_kind(client, *kind).await {
            Ok(callers) => found.callers.extend(callers),
            Err(kube::Error::Api(status)) if status.is_forbidden() => found.forbidden.push(*kind),
            // A group that is not served is a page that is not found, without a reason.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    found.callers.truncate(MOST);
    Ok(found)
}

async fn read_kind(client: &Client, kind: CallerKind) -> kube::Result<Vec<OutsideCaller>> {
    let api = Api::<DynamicObject>::all_with(client.clone(), &kind.api_resource());
    let mut params = ListParams::default().limit(PAGE);
    let mut found = Vec::new();
    loop {
        let page = api.list(&params).await?;
        found.extend(page.items.iter().flat_map(|object| callers(kind, object)));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(found),
        }
    }
}
