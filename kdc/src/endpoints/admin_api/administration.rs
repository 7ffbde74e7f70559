//! The paths of administration: every operation of kadmin. On the admin socket the caller may do everything; users of the cluster need the
//! permission of each operation in the namespace that the principal belongs to.

use crate::clock;
use crate::endpoints::admin_api::answer::json;
use crate::endpoints::admin_api::answers::admin_answer;
use crate::endpoints::admin_api::callers::Callers;
use crate::endpoints::admin_api::names::find;
use crate::endpoints::admin_api::operations::{policy_operation, principal_operation};
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::endpoints::bearer::bearer;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use kennel_controller::Live;
use kennel_core::admin::caller::Caller;
use kennel_core::admin::operation::{Answer, Operation, Rights};
use kennel_k8s::index::view::SharedIndex;
use kennel_listen::PeerAddress;
use kennel_store::PrincipalStore;
use kennel_store::administration::Administration;
use kennel_wire::admin::{ForceQuery, Permission, PolicyOperation, PrincipalOperation, RealmInfo, path};
use kennel_wire::message::Principal;
use std::net::SocketAddr;
use std::sync::Arc;

/// Longest body of a request, octets: a password, or some keys.
const LONGEST_BODY: usize = 64 * 1024;

/// The responder of the paths of administration.
pub(crate) struct OperationApi {
    pub(crate) live: Arc<Live>,
    pub(crate) store: Arc<dyn PrincipalStore>,
    pub(crate) administration: Arc<Administration>,
    /// `None` where the realm has no cluster.
    pub(crate) index: Option<SharedIndex>,
}

/// The responder for one kind of callers.
#[derive(Clone)]
struct OperationState {
    api: Arc<OperationApi>,
    callers: Callers,
}

/// Returns the router of the paths of administration, for these callers.
pub(crate) fn router(api: Arc<OperationApi>, callers: Callers) -> Router {
    Router::new()
        .route(path::REALM, get(realm))
        .route(path::PRINCIPALS, post(about_principals))
        .route(path::POLICIES, post(about_policies))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(OperationState { api, callers })
}

/// Answers whoever asks: the KDC tells its realm to every stranger who asks it for a ticket.
async fn realm(State(state): State<OperationState>) -> Response {
    json(&RealmInfo { realm: state.api.live.name().to_owned() })
}

async fn about_principals(
    State(state): State<OperationState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    query: Result<Query<ForceQuery>, QueryRejection>,
    body: Result<Json<PrincipalOperation>, JsonRejection>,
) -> Result<Response, AdminRefusal> {
    let (Query(query), Json(body)) = (query?, body.map_err(malformed)?);
    let operation = principal_operation(body, state.api.live.name())?;
    state.answer(operation, query, peer, &headers).await
}

async fn about_policies(
    State(state): State<OperationState>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    query: Result<Query<ForceQuery>, QueryRejection>,
    body: Result<Json<PolicyOperation>, JsonRejection>,
) -> Result<Response, AdminRefusal> {
    let (Query(query), Json(body)) = (query?, body.map_err(malformed)?);
    state.answer(policy_operation(body)?, query, peer, &headers).await
}

fn malformed(rejection: JsonRejection) -> AdminRefusal {
    AdminRefusal::QueryMalformed(rejection.body_text())
}

impl OperationState {
    /// Performs the operation in a task of its own, which does not end with the caller's connection.
    async fn answer(
        self,
        operation: Operation,
        ForceQuery { force }: ForceQuery,
        peer: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<Response, AdminRefusal> {
        let caller = self.caller(&operation, force, peer, headers).await?;
        if let (Operation::GetPrivileges, Caller::User { .. }) = (&operation, &caller) {
            let rights = self.rights(peer, headers).await?;
            return Ok(json(&admin_answer(Answer::Rights(rights), None, &self.api.live.realm())));
        }
        let named = operation.subject().map(ToString::to_string);
        let api = self.api.clone();
        let task = tokio::spawn(async move {
            let now = clock::now();
            match force {
                true => api.administration.perform_forced(&caller, operation, now).await,
                false => api.administration.perform(&caller, operation, now).await,
            }
        });
        match task.await {
            Ok(answer) => Ok(json(&admin_answer(answer?, named, &self.api.live.realm()))),
            Err(error) => {
                tracing::error!(%error, "an operation of administration ended without an answer");
                Err(AdminRefusal::StoreUnavailable)
            }
        }
    }

    /// Returns the caller, who has every permission that the operation needs. Who is known and lacks one is recorded.
    async fn caller(
        &self,
        operation: &Operation,
        force: bool,
        peer: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<Caller, AdminRefusal> {
        let Callers::Cluster(_) = &self.callers else { return Ok(Caller::Local) };
        let mut user = String::new();
        for (permission, name) in permissions(operation) {
            let namespace = match name {
                Some(name) => find(name.clone(), self.api.index.as_ref(), &*self.api.store).await?.namespace,
                None => None,
            };
            match self.callers.permit(peer.ip().into(), bearer(headers), permission, namespace.as_deref()).await {
                Ok(permitted) => user = permitted,
                Err(refusal) => {
                    if let AdminRefusal::NotPermitted { user, .. } = &refusal {
                        let caller = Caller::User { user: user.clone(), peer: peer.ip() };
                        self.api.administration.record_refusal(&caller, operation, force, refusal.name(), clock::now());
                    }
                    return Err(refusal);
                }
            }
        }
        Ok(Caller::User { user, peer: peer.ip() })
    }

    /// What a user of the cluster may do in all namespaces, in the letters of an access list.
    async fn rights(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<Rights, AdminRefusal> {
        let mut rights = Rights::empty();
        for (right, permission) in RIGHTS {
            match self.callers.permit(peer.ip().into(), bearer(headers), permission, None).await {
                Ok(_) => rights |= right,
                Err(AdminRefusal::NotPermitted { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(rights)
    }
}

/// The permissions that come nearest to the rights of an access list.
const RIGHTS: [(Rights, Permission); 8] = [
    (Rights::ADD, Permission::CREATE_PRINCIPAL),
    (Rights::DELETE, Permission::DELETE_PRINCIPAL),
    (Rights::MODIFY, Permission::MODIFY_PRINCIPAL),
    (Rights::CHANGE_PASSWORD, Permission::CHANGE_PASSWORD),
    (Rights::INQUIRE, Permission::GET_PRINCIPAL),
    (Rights::LIST, Permission::LIST_PRINCIPALS),
    (Rights::SET_KEYS, Permission::SET_KEYS),
    (Rights::EXTRACT_KEYS, Permission::EXTRACT_KEYS),
];

/// The permissions that an operation needs, each in the namespace of a principal; without one, in all namespaces.
fn permissions(operation: &Operation) -> Vec<(Permission, Option<&Principal>)> {
    let one = |permission, name| vec![(permission, Some(name))];
    match operation {
        Operation::CreatePrincipal(new) => one(Permission::CREATE_PRINCIPAL, &new.name),
        Operation::DeletePrincipal(name) => one(Permission::DELETE_PRINCIPAL, name),
        Operation::RenamePrincipal { from, to } => {
            vec![(Permission::DELETE_PRINCIPAL, Some(from)), (Permission::CREATE_PRINCIPAL, Some(to))]
        }
        Operation::CreateAlias { alias, target } => {
            vec![(Permission::MODIFY_PRINCIPAL, Some(target)), (Permission::CREATE_PRINCIPAL, Some(alias))]
        }
        Operation::ModifyPrincipal(name, _) | Operation::PurgeKeys(name, _) | Operation::SetString { name, .. } => {
            one(Permission::MODIFY_PRINCIPAL, name)
        }
        Operation::GetPrincipal(name) | Operation::GetStrings(name) => one(Permission::GET_PRINCIPAL, name),
        Operation::ListPrincipals(_) => vec![(Permission::LIST_PRINCIPALS, None)],
        Operation::ChangePassword { name, .. } | Operation::Unlock(name) => one(Permission::CHANGE_PASSWORD, name),
        Operation::RandomizeKeys(name, _) => one(Permission::RANDOMIZE_KEYS, name),
        Operation::SetKeys { name, .. } => one(Permission::SET_KEYS, name),
        Operation::ExtractKeys { name, .. } => one(Permission::EXTRACT_KEYS, name),
        Operation::CreatePolicy(..) => vec![(Permission::CREATE_POLICY, None)],
        Operation::ModifyPolicy(..) => vec![(Permission::MODIFY_POLICY, None)],
        Operation::DeletePolicy(_) => vec![(Permission::DELETE_POLICY, None)],
        Operation::GetPolicy(_) => vec![(Permission::GET_POLICY, None)],
        Operation::ListPolicies(_) => vec![(Permission::LIST_POLICIES, None)],
        // Whoever is known may ask what he may do.
        Operation::GetPrivileges => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::access::AllowAll;
    use kennel_core::admin::operation::KeyChange;
    use kennel_core::pods::NoCluster;
    use kennel_core::realm::Realm;
    use kennel_listen::{HttpServer, LocalListener};
    use kennel_store::{EntryCache, MemoryStore};
    use serde_json::{Value, json};
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    /// The API on an admin socket.
    struct Socket {
        folder: TempDir,
        _server: HttpServer,
    }

    impl Socket {
        async fn start() -> Socket {
            let cache = EntryCache::open(Arc::new(MemoryStore::new()), 16).await.unwrap();
            let live = Arc::new(Live::new(Realm::new("R"), Arc::new(AllowAll), Arc::new(NoCluster)));
            let realm = live.clone();
            let administration = Arc::new(Administration::new(cache.clone(), Arc::new(move || realm.realm())));
            let api = OperationApi { live, store: cache, administration, index: None };
            let folder = tempfile::tempdir().unwrap();
            let listener = LocalListener::bind(&folder.path().join("admin.sock")).unwrap();
            let server = listener.serve(router(Arc::new(api), Callers::Local)).unwrap();
            Socket { folder, _server: server }
        }

        /// Status and body of an answer.
        async fn post(&self, path: &str, body: Value) -> (u16, Value) {
            let mut stream = UnixStream::connect(self.folder.path().join("admin.sock")).await.unwrap();
            let body = body.to_string();
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
        }

        async fn principals(&self, body: Value) -> (u16, Value) {
            self.post(path::PRINCIPALS, body).await
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_admin_socket_performs_operations_from_their_bodies() {
        let socket = Socket::start().await;
        let done = (200, json!({ "answer": "done" }));
        let create = json!({ "operation": "create", "principal": "HTTP/web", "keys": "random" });
        assert_eq!(socket.principals(create.clone()).await, done);
        let (status, refused) = socket.principals(create).await;
        assert_eq!((status, &refused["reason"], &refused["retryable"]), (409, &json!("Exists"), &json!(false)));
        let alias = json!({ "operation": "createAlias", "alias": "HTTP/www", "principal": "HTTP/web" });
        assert_eq!(socket.principals(alias).await, done);
        let (_, listed) = socket.principals(json!({ "operation": "list", "pattern": "HTTP/*" })).await;
        assert_eq!(listed, json!({ "answer": "names", "names": ["HTTP/web@R", "HTTP/www@R"] }));
        let (_, keys) = socket.principals(json!({ "operation": "randomizeKeys", "principal": "HTTP/web" })).await;
        assert_eq!((&keys["answer"], &keys["versions"][0]["kvno"]), (&json!("keys"), &json!(2)));
        assert_eq!(keys["versions"][0]["keys"].as_array().unwrap().len(), 4);
        let modify =
            json!({ "operation": "modify", "principal": "HTTP/www", "settings": { "maxLife": 60, "set": ["LOCKED"] } });
        assert_eq!(socket.principals(modify).await, done);
        let (_, shown) = socket.principals(json!({ "operation": "get", "principal": "HTTP/web" })).await;
        assert_eq!((&shown["maxLife"], &shown["attributes"]), (&json!(60), &json!(["LOCKED"])));
        assert_eq!((&shown["modifiedBy"], &shown["maxRenewableLife"]), (&json!("root/admin@R"), &json!(604_800)));
        assert!(shown["keys"][0].get("key").is_none());
        let (_, rights) = socket.principals(json!({ "operation": "getPrivileges" })).await;
        assert_eq!(rights["rights"], "admcilpse");
        let (status, unknown) = socket.principals(json!({ "operation": "get", "principal": "nobody" })).await;
        assert_eq!((status, &unknown["reason"]), (404, &json!("UnknownPrincipal")));
        let (status, odd) = socket.principals(json!({ "operation": "sing" })).await;
        assert_eq!((status, &odd["reason"]), (400, &json!("QueryMalformed")));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_policy_is_made_used_and_deleted_by_force() {
        let socket = Socket::start().await;
        let done = (200, json!({ "answer": "done" }));
        let create = json!({ "operation": "create", "policy": "users", "settings": { "minLength": 9 } });
        assert_eq!(socket.post(path::POLICIES, create).await, done);
        let create = |password: &str| {
            json!({
                "operation": "create", "principal": "alice", "keys": { "password": password },
                "enctypes": ["aes128-cts-hmac-sha1-96"], "settings": { "policy": "users" }
            })
        };
        let (status, short) = socket.principals(create("c2VjcmV0")).await;
        assert_eq!((status, &short["reason"]), (422, &json!("PasswordTooShort")));
        assert_eq!(socket.principals(create("c2VjcmV0c2VjcmV0")).await, done);
        let (_, policy) = socket.post(path::POLICIES, json!({ "operation": "get", "policy": "users" })).await;
        assert_eq!((&policy["settings"]["minLength"], &policy["settings"]["history"]), (&json!(9), &json!(1)));
        let delete = json!({ "operation": "delete", "policy": "users" });
        let (status, used) = socket.post(path::POLICIES, delete.clone()).await;
        assert_eq!((status, &used["reason"]), (409, &json!("PolicyInUse")));
        assert_eq!(socket.post(&format!("{}?force=true", path::POLICIES), delete).await, done);
    }

    fn name() -> Principal {
        Principal::parse("HTTP/web", "R").unwrap()
    }

    #[test]
    fn keys_as_they_are_need_a_permission_of_their_own_and_so_do_new_ones() {
        let permission = |operation: &Operation| {
            let (permission, of) = permissions(operation)[0];
            assert_eq!(of, Some(&name()));
            (permission.subresource, permission.verb)
        };
        assert_eq!(permission(&Operation::ExtractKeys { name: name(), kvno: None }), ("keys", "get"));
        assert_eq!(permission(&Operation::RandomizeKeys(name(), KeyChange::default())), ("keys", "create"));
        assert_eq!(permission(&Operation::GetPrincipal(name())), ("records", "get"));
    }

    #[test]
    fn a_second_name_needs_the_permission_to_create_it() {
        let (from, to) = (name(), Principal::parse("HTTP/other", "R").unwrap());
        let renamed = Operation::RenamePrincipal { from: from.clone(), to: to.clone() };
        let alias = Operation::CreateAlias { alias: to.clone(), target: from };
        for operation in [renamed, alias] {
            assert!(permissions(&operation).contains(&(Permission::CREATE_PRINCIPAL, Some(&to))));
        }
    }
}
