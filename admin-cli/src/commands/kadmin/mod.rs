//! kadmin's commands in its own words: `kennel addprinc -randkey HTTP/x`, `-q "..."`, standard input, and a shell. Names, options, texts,
//! streams and exit codes are MIT's, because scripts rely on them.
//!
//! | module | what |
//! |---|---|
//! | [`table`] | the commands, by all their names |
//! | [`invocation`] | what the command line asks for |
//! | [`program`] | the programs `kadmin` and `kadmin.local` |
//! | [`conversation`] | carries out one command, or one after the other |
//! | [`desk`] | what every command needs: the session, the KDC, the time |
//! | [`session`] | what is printed where, and the exit code |
//! | [`administrator`] | what the KDC is asked for, whatever carries it there |
//! | [`remote`] | the protocol of port 749 |
//! | [`failure`] | refusals in the words of MIT |
//! | [`principal`] | commands about principals |
//! | [`policy`] | commands about policies |
//! | [`keytab`] | `ktadd`, `ktremove` |
//! | [`strings`] | string attributes |
//! | [`attributes`] | the attributes of a principal, by name and bit |
//! | [`keysalts`] | lists of enctypes |
//! | [`time`] | dates and lengths of time |

pub(crate) mod administrator;
pub(crate) mod attributes;
pub(crate) mod conversation;
pub(crate) mod desk;
pub(crate) mod failure;
pub(crate) mod invocation;
pub(crate) mod keysalts;
pub(crate) mod keytab;
pub(crate) mod policy;
pub(crate) mod principal;
pub(crate) mod program;
pub(crate) mod remote;
pub(crate) mod session;
pub(crate) mod strings;
pub(crate) mod table;
pub(crate) mod time;
