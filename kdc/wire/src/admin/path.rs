//! The paths of the admin API.

/// GET: decisions about the servers of a namespace, as lines. See [`DecisionsQuery`](super::DecisionsQuery).
pub const DECISIONS: &str = "/v1/admin/decisions";
/// GET: who asked for which server. See [`NamespaceQuery`](super::NamespaceQuery).
pub const PAIRS: &str = "/v1/admin/pairs";
/// GET: who may have tickets for which server, as the KDC applies it now. See [`NamespaceQuery`](super::NamespaceQuery).
pub const ACCESS: &str = "/v1/admin/access";
/// GET: whether a client reaches a server, layer by layer. See [`ExplainQuery`](super::ExplainQuery). A KDC that does not judge
/// packets answers 404, and the caller judges by the objects of the cluster.
pub const EXPLAIN: &str = "/v1/admin/explain";
/// GET: versions, holders and rotation of the keys of a principal. See [`KeysQuery`](super::KeysQuery).
pub const KEYS: &str = "/v1/admin/keys";
/// POST: rotates or revokes keys. See [`RotateRequest`](super::RotateRequest).
pub const ROTATE: &str = "/v1/admin/rotate";
/// GET: the realm of the KDC, a [`RealmInfo`](super::RealmInfo). Needs no token.
pub const REALM: &str = "/v1/admin/realm";
/// POST: performs a [`PrincipalOperation`](super::PrincipalOperation), and answers an [`AdminAnswer`](super::AdminAnswer). See
/// [`ForceQuery`](super::ForceQuery).
pub const PRINCIPALS: &str = "/v1/admin/principals";
/// POST: performs a [`PolicyOperation`](super::PolicyOperation), and answers an [`AdminAnswer`](super::AdminAnswer). See
/// [`ForceQuery`](super::ForceQuery).
pub const POLICIES: &str = "/v1/admin/policies";
