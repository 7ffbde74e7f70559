//! Every reason for which a request is refused, and the one error code that each gives on the wire.

use kennel_wire::message::ErrorCode;

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident => $code:ident, $text:literal;)+) => {
        /// Why a request was refused. `Display` is the reason in the audit line.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Refusal {
            /// Every reason, for tests and documentation.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$name),+];

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> ErrorCode {
                match self { $(Refusal::$name => ErrorCode::$code,)+ }
            }

            /// A stable name for audit lines and metrics labels.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Refusal::$name => stringify!($name),)+ }
            }

            /// The reason in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Refusal::$name => $text,)+ }
            }
        }
    };
}

refusals! {
    /// The bytes are not strict DER or not a KDC-REQ.
    Malformed => GENERIC, "not a well-formed request";
    /// The bytes are a reply or an error.
    NotARequest => AP_MSG_TYPE, "a reply or an error was sent to the KDC";
    /// The store could not answer.
    StoreUnavailable => SVC_UNAVAILABLE, "the principal store is not available";
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}
