//! The password protocol (RFC 3244): requests, verified, and their answers. The change itself is an operation of
//! [`admin`](crate::admin), under the same rules as everywhere.
//!
//! A request that comes twice changes nothing the second time and gets the same answer, so that a reply that is lost does not look
//! like a failure. A request that somebody kept and sends again later is refused, since its ticket is older than the password.
//!
//! | module | what |
//! |---|---|
//! | [`request`] | a request: its AP-REQ and what that carries, verified |
//! | [`admission`] | whether the client may still act by its ticket, and whether the request came before |
//! | [`answer`] | the answer to a request, proven or not |
//! | [`event`] | the event of a request, and every reason for a refusal |

pub mod admission;
pub mod answer;
pub mod event;
pub mod request;
