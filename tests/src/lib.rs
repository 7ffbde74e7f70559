//! What the tests of whole processes are made with: a real `kennel-kdc`, a real MIT `krb5kdc`, stock MIT clients, and
//! requests in bulk. Everything listens on loopback, lives in a temporary folder and ends with its value.
//!
//! | module | what |
//! |---|---|
//! | [`binary`] | where the `kennel-kdc` under test is |
//! | [`realm`] | a Kennel realm: a `kennel-kdc dev` process |
//! | [`mit`] | MIT's clients: kinit, kvno, klist |
//! | [`klist`] | what klist shows, parsed |
//! | [`mit_kdc`] | an MIT realm: a `krb5kdc` process |
//! | [`heimdal`] | Heimdal's clients |
//! | [`peers`] | GSS-API conversations of Python, Java and Go programs |
//! | [`daemon`] | Apache, PostgreSQL, OpenSSH |
//! | [`kube`] | a real API server |
//! | [`cluster`] | a real node, in which pods run |
//! | [`kubectl`] | kubectl as administrator of one cluster |
//! | [`pods`] | waiting for pods, with the reason where they do not become ready |
//! | [`overlay`] | overlays of deploy/, as users write them |
//! | [`prometheus`] | a real Prometheus, and what has to hold of rules and dashboard |
//! | [`once`] | what is made once for all tests of a process |
//! | [`process`] | processes that end with their value, commands that end in time |
//! | [`ports`] | ports that nobody listens on |
//! | [`peer`] | one request, one answer, over UDP or TCP |
//! | [`exchange`] | whole exchanges, and the requests that they are made of |
//! | [`mutate`] | requests made wrong |

pub mod binary;
pub mod cluster;
pub mod daemon;
pub mod exchange;
pub mod heimdal;
pub mod klist;
pub mod kube;
pub mod kubectl;
pub mod mit;
pub mod mit_kdc;
pub mod mutate;
pub mod once;
pub mod overlay;
pub mod peer;
pub mod peers;
pub mod pods;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod realm;
