//! Error codes (RFC 4120, section 7.5.9). `refusal.rs` of the core chooses the code of each refusal.

use std::fmt;

/// `error-code` of a KRB-ERROR. The `KDC_ERR_`, `KRB_AP_ERR_` and `KRB_ERR_` prefixes are dropped (`AP_` stays).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub i32);

impl ErrorCode {
    /// No error.
    pub const NONE: ErrorCode = ErrorCode(0);
    /// Client's entry in database has expired.
    pub const NAME_EXP: ErrorCode = ErrorCode(1);
    /// Server's entry in database has expired.
    pub const SERVICE_EXP: ErrorCode = ErrorCode(2);
    /// Requested protocol version number not supported.
    pub const BAD_PVNO: ErrorCode = ErrorCode(3);
    /// Client's key encrypted in old master key.
    pub const C_OLD_MAST_KVNO: ErrorCode = ErrorCode(4);
    /// Server's key encrypted in old master key.
    pub const S_OLD_MAST_KVNO: ErrorCode = ErrorCode(5);
    /// Client not found in Kerberos database.
    pub const C_PRINCIPAL_UNKNOWN: ErrorCode = ErrorCode(6);
    /// Server not found in Kerberos database.
    pub const S_PRINCIPAL_UNKNOWN: ErrorCode = ErrorCode(7);
    /// Multiple principal entries in database.
    pub const PRINCIPAL_NOT_UNIQUE: ErrorCode = ErrorCode(8);
    /// The client or server has a null key.
    pub const NULL_KEY: ErrorCode = ErrorCode(9);
    /// Ticket not eligible for postdating.
    pub const CANNOT_POSTDATE: ErrorCode = ErrorCode(10);
    /// Requested starttime is later than end time.
    pub const NEVER_VALID: ErrorCode = ErrorCode(11);
    /// KDC policy rejects request.
    pub const POLICY: ErrorCode = ErrorCode(12);
    /// KDC cannot accommodate requested option.
    pub const BADOPTION: ErrorCode = ErrorCode(13);
    /// KDC has no support for encryption type.
    pub const ETYPE_NOSUPP: ErrorCode = ErrorCode(14);
    /// KDC has no support for checksum type.
    pub const SUMTYPE_NOSUPP: ErrorCode = ErrorCode(15);
    /// KDC has no support for padata type.
    pub const PADATA_TYPE_NOSUPP: ErrorCode = ErrorCode(16);
    /// KDC has no support for transited type.
    pub const TRTYPE_NOSUPP: ErrorCode = ErrorCode(17);
    /// Client's credentials have been revoked.
    pub const CLIENT_REVOKED: ErrorCode = ErrorCode(18);
    /// Credentials for server have been revoked.
    pub const SERVICE_REVOKED: ErrorCode = ErrorCode(19);
    /// TGT has been revoked.
    pub const TGT_REVOKED: ErrorCode = ErrorCode(20);
    /// Client not yet valid; try again later.
    pub const CLIENT_NOTYET: ErrorCode = ErrorCode(21);
    /// Server not yet valid; try again later.
    pub const SERVICE_NOTYET: ErrorCode = ErrorCode(22);
    /// Password has expired; change password to reset.
    pub const KEY_EXPIRED: ErrorCode = ErrorCode(23);
    /// Pre-authentication information was invalid.
    pub const PREAUTH_FAILED: ErrorCode = ErrorCode(24);
    /// Additional pre-authentication required.
    pub const PREAUTH_REQUIRED: ErrorCode = ErrorCode(25);
    /// Requested server and ticket don't match.
    pub const SERVER_NOMATCH: ErrorCode = ErrorCode(26);
    /// Server principal valid for user2user only.
    pub const MUST_USE_USER2USER: ErrorCode = ErrorCode(27);
    /// KDC policy rejects transited path.
    pub const PATH_NOT_ACCEPTED: ErrorCode = ErrorCode(28);
    /// A service is not available.
    pub const SVC_UNAVAILABLE: ErrorCode = ErrorCode(29);
    /// Integrity check on decrypted field failed.
    pub const AP_BAD_INTEGRITY: ErrorCode = ErrorCode(31);
    /// Ticket expired.
    pub const AP_TKT_EXPIRED: ErrorCode = ErrorCode(32);
    /// Ticket not yet valid.
    pub const AP_TKT_NYV: ErrorCode = ErrorCode(33);
    /// Request is a replay.
    pub const AP_REPEAT: ErrorCode = ErrorCode(34);
    /// The ticket isn't for us.
    pub const AP_NOT_US: ErrorCode = ErrorCode(35);
    /// Ticket and authenticator don't match.
    pub const AP_BADMATCH: ErrorCode = ErrorCode(36);
    /// Clock skew too great.
    pub const AP_SKEW: ErrorCode = ErrorCode(37);
    /// Incorrect net address.
    pub const AP_BADADDR: ErrorCode = ErrorCode(38);
    /// Protocol version mismatch.
    pub const AP_BADVERSION: ErrorCode = ErrorCode(39);
    /// Invalid msg type.
    pub const AP_MSG_TYPE: ErrorCode = ErrorCode(40);
    /// Message stream modified.
    pub const AP_MODIFIED: ErrorCode = ErrorCode(41);
    /// Message out of order.
    pub const AP_BADORDER: ErrorCode = ErrorCode(42);
    /// Specified version of key is not available.
    pub const AP_BADKEYVER: ErrorCode = ErrorCode(44);
    /// Service key not available.
    pub const AP_NOKEY: ErrorCode = ErrorCode(45);
    /// Mutual authentication failed.
    pub const AP_MUT_FAIL: ErrorCode = ErrorCode(46);
    /// Incorrect message direction.
    pub const AP_BADDIRECTION: ErrorCode = ErrorCode(47);
    /// Alternative authentication method required.
    pub const AP_METHOD: ErrorCode = ErrorCode(48);
    /// Incorrect sequence number in message.
    pub const AP_BADSEQ: ErrorCode = ErrorCode(49);
    /// Inappropriate type of checksum in message.
    pub const AP_INAPP_CKSUM: ErrorCode = ErrorCode(50);
    /// Policy rejects transited path.
    pub const PATH_NOT_ACCEPTED_AP: ErrorCode = ErrorCode(51);
    /// Response too big for UDP; retry with TCP.
    pub const RESPONSE_TOO_BIG: ErrorCode = ErrorCode(52);
    /// Generic error.
    pub const GENERIC: ErrorCode = ErrorCode(60);
    /// Field is too long for this implementation.
    pub const FIELD_TOOLONG: ErrorCode = ErrorCode(61);
    /// Wrong realm.
    pub const WRONG_REALM: ErrorCode = ErrorCode(68);
    /// RFC 6113: the conversation has taken too long; begin again.
    pub const PREAUTH_EXPIRED: ErrorCode = ErrorCode(90);
    /// An unsupported critical FAST option was requested.
    pub const UNKNOWN_CRITICAL_FAST_OPTIONS: ErrorCode = ErrorCode(93);

    /// RFC 4120's text for the code, if it has one.
    #[must_use]
    pub fn text(self) -> Option<&'static str> {
        Some(match self {
            ErrorCode::NONE => "No error",
            ErrorCode::NAME_EXP => "Client's entry in database has expired",
            ErrorCode::SERVICE_EXP => "Server's entry in database has expired",
            ErrorCode::BAD_PVNO => "Requested protocol version number not supported",
            ErrorCode::C_OLD_MAST_KVNO => "Client's key encrypted in old master key",
            ErrorCode::S_OLD_MAST_KVNO => "Server's key encrypted in old master key",
            ErrorCode::C_PRINCIPAL_UNKNOWN => "Client not found in Kerberos database",
            ErrorCode::S_PRINCIPAL_UNKNOWN => "Server not found in Kerberos database",
            ErrorCode::PRINCIPAL_NOT_UNIQUE => "Multiple principal entries in database",
            ErrorCode::NULL_KEY => "The client or server has a null key",
            ErrorCode::CANNOT_POSTDATE => "Ticket not eligible for postdating",
            ErrorCode::NEVER_VALID => "Requested starttime is later than end time",
            ErrorCode::POLICY => "KDC policy rejects request",
            ErrorCode::BADOPTION => "KDC cannot accommodate requested option",
            ErrorCode::ETYPE_NOSUPP => "KDC has no support for encryption type",
            ErrorCode::SUMTYPE_NOSUPP => "KDC has no support for checksum type",
            ErrorCode::PADATA_TYPE_NOSUPP => "KDC has no support for padata type",
            ErrorCode::TRTYPE_NOSUPP => "KDC has no support for transited type",
            ErrorCode::CLIENT_REVOKED => "Client's credentials have been revoked",
            ErrorCode::SERVICE_REVOKED => "Credentials for server have been revoked",
            ErrorCode::TGT_REVOKED => "TGT has been revoked",
            ErrorCode::CLIENT_NOTYET => "Client not yet valid; try again later",
            ErrorCode::SERVICE_NOTYET => "Server not yet valid; try again later",
            ErrorCode::KEY_EXPIRED => "Password has expired; change password to reset",
            ErrorCode::PREAUTH_FAILED => "Pre-authentication information was invalid",
            ErrorCode::PREAUTH_REQUIRED => "Additional pre-authentication required",
            ErrorCode::SERVER_NOMATCH => "Requested server and ticket don't match",
            ErrorCode::MUST_USE_USER2USER => "Server principal valid for user2user only",
            ErrorCode::PATH_NOT_ACCEPTED => "KDC policy rejects transited path",
            ErrorCode::SVC_UNAVAILABLE => "A service is not available",
            ErrorCode::AP_BAD_INTEGRITY => "Integrity check on decrypted field failed",
            ErrorCode::AP_TKT_EXPIRED => "Ticket expired",
            ErrorCode::AP_TKT_NYV => "Ticket not yet valid",
            ErrorCode::AP_REPEAT => "Request is a replay",
            ErrorCode::AP_NOT_US => "The ticket isn't for us",
            ErrorCode::AP_BADMATCH => "Ticket and authenticator don't match",
            ErrorCode::AP_SKEW => "Clock skew too great",
            ErrorCode::AP_BADADDR => "Incorrect net address",
            ErrorCode::AP_BADVERSION => "Protocol version mismatch",
            ErrorCode::AP_MSG_TYPE => "Invalid msg type",
            ErrorCode::AP_MODIFIED => "Message stream modified",
            ErrorCode::AP_BADORDER => "Message out of order",
            ErrorCode::AP_BADKEYVER => "Specified version of key is not available",
            ErrorCode::AP_NOKEY => "Service key not available",
            ErrorCode::AP_MUT_FAIL => "Mutual authentication failed",
            ErrorCode::AP_BADDIRECTION => "Incorrect message direction",
            ErrorCode::AP_METHOD => "Alternative authentication method required",
            ErrorCode::AP_BADSEQ => "Incorrect sequence number in message",
            ErrorCode::AP_INAPP_CKSUM => "Inappropriate type of checksum in message",
            ErrorCode::PATH_NOT_ACCEPTED_AP => "Policy rejects transited path",
            ErrorCode::RESPONSE_TOO_BIG => "Response too big for UDP; retry with TCP",
            ErrorCode::GENERIC => "Generic error",
            ErrorCode::FIELD_TOOLONG => "Field is too long for this implementation",
            ErrorCode::WRONG_REALM => "Wrong realm",
            ErrorCode::PREAUTH_EXPIRED => "Pre-authentication conversation expired",
            ErrorCode::UNKNOWN_CRITICAL_FAST_OPTIONS => "An unsupported critical FAST option was requested",
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{text} ({})", self.0),
            None => write!(f, "error code {}", self.0),
        }
    }
}
