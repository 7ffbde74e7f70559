//! What can go wrong for a client.

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The KDC answered with an error.
    #[error("the KDC says: {code}{}", text.as_deref().map(|t| format!(" ({t})")).unwrap_or_default())]
    Kdc {
        /// The code.
        code: kennel_wire::message::ErrorCode,
        /// The KDC's words.
        text: Option<String>,
    },
}
