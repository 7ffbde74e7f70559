//! Dates and lengths of time in the words of kadmin.
//!
//! | module | what |
//! |---|---|
//! | [`date`] | dates: `never`, `2026-01-01 00:00:00`, `next friday`, `+3 days` |
//! | [`tokens`] | the words of a date |
//! | [`duration`] | lengths of time |

pub(crate) mod date;
pub(crate) mod duration;
mod tokens;
