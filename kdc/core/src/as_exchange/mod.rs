//! The AS exchange (RFC 4120, section 3.1): request, then identified (both principals found), authenticated, decided,
//! and the reply. Each step is a type that only the step before it can make.

mod authenticated;
mod identified;
mod request;

pub(crate) use request::AsRequest;
