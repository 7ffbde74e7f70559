//! The admin API (`/v1/admin/...`), on the listener of enrolment and on the admin socket: what the KDC decided about the servers of a namespace, who asked for
//! them and who may have tickets for them; the keys of principals, and orders to rotate them. Who may see or order it is decided by the cluster's RBAC; on the socket, root and the KDC's own user see all. `enrolment/openapi.json` describes it.
//!
//! | module | what |
//! |---|---|
//! | [`router`] | every path, for the listeners that serve it |
//! | [`api`] | the paths about decisions: reads requests and writes answers |
//! | [`master_key`] | the master key: its state, and its rotation |
//! | [`answer`] | answers that no cache may keep |
//! | [`dump`] | the whole realm in a file, on the admin socket alone |
//! | [`replacement`] | all records replaced while the KDC serves, and the progress of that |
//! | [`load`] | such a file into the place of all records, on the admin socket alone |
//! | [`import`] | a dump of MIT Kerberos or Heimdal beside all records, on the admin socket alone |
//! | [`callers`] | whose token a request carries, and what its user may see |
//! | [`stream`] | decisions as lines that go on |
//! | [`streams`] | the limits of such answers |
//! | [`directory`] | which accounts principals belong to |
//! | [`access`] | who may have tickets for whom |
//! | [`explain`] | whether a client reaches a server, layer by layer |
//! | [`bodies`] | decisions and pairs as the API writes them |
//! | [`pairs_file`] | the pairs beyond the end of the process |
//! | [`rotation`] | the paths about keys: what versions there are, and orders |
//! | [`names`] | the principals that a request names |
//! | [`administration`] | the paths of administration: every operation of kadmin |
//! | [`operations`] | operations of administration, read from bodies |
//! | [`answers`] | answers of administration as the API writes them |
//! | [`keys`] | versions and holders of keys as the API writes them |
//! | [`refusal`] | every reason for which a request is refused |

mod access;
pub(crate) mod administration;
mod answer;
mod answers;
pub(crate) mod api;
mod bodies;
pub(crate) mod callers;
pub(crate) mod directory;
pub(crate) mod dump;
pub(crate) mod explain;
pub(crate) mod import;
mod keys;
pub(crate) mod load;
pub(crate) mod master_key;
mod names;
mod operations;
pub(crate) mod pairs_file;
mod refusal;
pub(crate) mod replacement;
pub(crate) mod rotation;
pub(crate) mod router;
mod stream;
mod streams;
