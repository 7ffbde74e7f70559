//! One file for each subcommand, a folder for each noun.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod diff;
pub(crate) mod dump;
mod dump_secret;
pub(crate) mod explain;
pub(crate) mod import;
mod input;
pub(crate) mod kadmin;
pub(crate) mod kdb5_util;
pub(crate) mod keys;
pub(crate) mod keytab;
pub(crate) mod ktutil;
pub(crate) mod load;
pub(crate) mod master_key;
pub(crate) mod render;
mod replacement;
pub(crate) mod rotate;
pub(crate) mod status;
