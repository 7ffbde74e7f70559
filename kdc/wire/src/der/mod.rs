//! Strict DER: the gate that every received byte passes first, and the writer of everything that is sent.

pub mod gate;
pub mod writer;

pub(crate) mod calendar;
pub(crate) mod header;
pub(crate) mod integer;
