//! The harness of the tests of whole processes: a real `kennel-kdc`, a real MIT `krb5kdc`, stock MIT clients, and requests in bulk.
//! Every process listens on loopback, keeps its files in a temporary folder and ends with its value.
//!
//! | module | what |
//! |---|---|
//! | [`binary`] | finds the programs under test |
//! | [`realm`] | a Kennel realm: a `kennel-kdc dev` process |
//! | [`mit`] | MIT's clients: kinit, kvno, klist |
//! | [`klist`] | parses the output of klist |
//! | [`mit_kdc`] | an MIT realm: a `krb5kdc` process |
//! | [`heimdal`] | Heimdal's clients |
//! | [`samba`] | Samba's raw Kerberos tests |
//! | [`peers`] | GSS-API conversations of Python, Java and Go programs |
//! | [`daemon`] | Apache, PostgreSQL, OpenSSH |
//! | [`kube`] | a real API server |
//! | [`cluster`] | a real node, in which pods run |
//! | [`kubectl`] | kubectl as administrator of one cluster |
//! | [`pods`] | waits for pods, and reports the reason where they do not become ready |
//! | [`overlay`] | overlays of deploy/, as users write them |
//! | [`prometheus`] | a real Prometheus, and the checks of rules and dashboard |
//! | [`serve`] | a Kennel realm of `kennel-kdc serve`, whose store is there before |
//! | [`once`] | values that are created once for all tests of a process |
//! | [`process`] | processes that end with their value, commands that end in time |
//! | [`memory`] | memory of a process |
//! | [`network`] | networks with the addresses that a test wants |
//! | [`ports`] | free ports |
//! | [`peer`] | one request, one answer, over UDP or TCP |
//! | [`exchange`] | whole exchanges and their requests |
//! | [`lossy`] | a way to a server that loses replies |
//! | [`mutate`] | mutated requests |

pub mod binary;
pub mod cluster;
pub mod daemon;
pub mod exchange;
pub mod heimdal;
pub mod klist;
pub mod kube;
pub mod kubectl;
pub mod lossy;
pub mod memory;
pub mod mit;
pub mod mit_kdc;
pub mod mutate;
pub mod network;
pub mod once;
pub mod overlay;
pub mod peer;
pub mod peers;
pub mod pods;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod realm;
pub mod samba;
pub mod serve;
