//! How kadmin and ktutil talk with a person or a script: lines of commands in, prompts, secrets.
//!
//! | module | what |
//! |---|---|
//! | [`words`] | a line as words |
//! | [`requests`] | the list of commands |
//! | [`lines`] | commands from a terminal, with history and completion, or from standard input |
//! | [`input`] | answers and secrets from standard input |

pub(crate) mod input;
pub(crate) mod lines;
pub(crate) mod requests;
pub(crate) mod words;
