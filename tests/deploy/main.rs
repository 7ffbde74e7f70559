//! deploy/ in a real cluster: two `kubectl apply -k`, one label, and the pods have credentials that nobody typed; then once
//! more with everything that can be added. README.md beside this says how to run the tests.
//!
//! | module | what |
//! |---|---|
//! | [`installation`] | which installation stands in the cluster; a test gets the one that it asks for |
//! | [`steps`] | what an installation is made of, and how it is taken away |
//! | [`shop`] | containers of the shop, and logins from them |

mod installation;
mod shop;
mod steps;

mod access;
mod admin_cli;
mod guards;
mod image;
mod install;
mod login;
mod network;
mod permissions;
mod pods;
mod replica;
mod restart;
mod rotation;
mod storage;
mod uninstall;
mod validation;
mod with_everything;
