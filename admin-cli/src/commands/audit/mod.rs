//! `kennel audit`: what the KDC decides.
//!
//! | module | what |
//! |---|---|
//! | [`tail`] | the decisions as they are made |
//! | [`mod@line`] | a decision as a line for people |

pub(crate) mod tail;

mod line;
