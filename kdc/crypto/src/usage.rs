//! Key usage numbers (RFC 4120, section 7.5.1).

/// What a key is used for: part of every key derivation, so that one message cannot stand in for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(pub u32);

impl KeyUsage {
    /// AS-REQ PA-ENC-TIMESTAMP, client key.
    pub const PA_ENC_TIMESTAMP: KeyUsage = KeyUsage(1);
    /// Ticket, service key.
    pub const TICKET: KeyUsage = KeyUsage(2);
    /// AS-REP encrypted part, client key.
    pub const AS_REP: KeyUsage = KeyUsage(3);
    /// TGS-REQ authorization data, session key.
    pub const TGS_REQ_AD_SESSION: KeyUsage = KeyUsage(4);
    /// TGS-REQ authorization data, sub-key.
    pub const TGS_REQ_AD_SUBKEY: KeyUsage = KeyUsage(5);
    /// TGS-REQ authenticator's checksum over the body, session key.
    pub const TGS_REQ_CHECKSUM: KeyUsage = KeyUsage(6);
    /// TGS-REQ authenticator, session key.
    pub const TGS_REQ_AUTHENTICATOR: KeyUsage = KeyUsage(7);
    /// TGS-REP encrypted part, session key.
    pub const TGS_REP_SESSION: KeyUsage = KeyUsage(8);
    /// TGS-REP encrypted part, sub-key.
    pub const TGS_REP_SUBKEY: KeyUsage = KeyUsage(9);
    /// AP-REQ authenticator's checksum, session key.
    pub const AP_REQ_CHECKSUM: KeyUsage = KeyUsage(10);
    /// AP-REQ authenticator, session key.
    pub const AP_REQ_AUTHENTICATOR: KeyUsage = KeyUsage(11);
    /// AP-REP encrypted part, session key.
    pub const AP_REP: KeyUsage = KeyUsage(12);
    /// RFC 4121, section 2: Wrap tokens of the acceptor.
    pub const GSS_ACCEPTOR_SEAL: KeyUsage = KeyUsage(22);
    /// RFC 4121, section 2: MIC tokens of the acceptor.
    pub const GSS_ACCEPTOR_SIGN: KeyUsage = KeyUsage(23);
    /// RFC 4121, section 2: Wrap tokens of the initiator.
    pub const GSS_INITIATOR_SEAL: KeyUsage = KeyUsage(24);
    /// RFC 4121, section 2: MIC tokens of the initiator.
    pub const GSS_INITIATOR_SIGN: KeyUsage = KeyUsage(25);
    /// KRB-PRIV.
    pub const KRB_PRIV: KeyUsage = KeyUsage(13);
    /// RFC 6113, section 5.4.2: checksum over the outer request, armor key.
    pub const FAST_REQ_CHECKSUM: KeyUsage = KeyUsage(50);
    /// RFC 6113, section 5.4.2: the inner request, armor key.
    pub const FAST_REQ: KeyUsage = KeyUsage(51);
    /// RFC 6113, section 5.4.3: the inner reply, armor key.
    pub const FAST_REP: KeyUsage = KeyUsage(52);
    /// RFC 6113, section 5.4.3: checksum over the ticket of the reply, armor key.
    pub const FAST_FINISHED: KeyUsage = KeyUsage(53);
    /// RFC 6113, section 5.4.6: the encrypted challenge of the client, challenge key.
    pub const ENC_CHALLENGE_CLIENT: KeyUsage = KeyUsage(54);
    /// RFC 6113, section 5.4.6: the encrypted challenge of the KDC, challenge key.
    pub const ENC_CHALLENGE_KDC: KeyUsage = KeyUsage(55);
    /// FX-COOKIE of the KDC, key of the ticket-granting service. Only the KDC reads it; the number is MIT's.
    pub const FX_COOKIE: KeyUsage = KeyUsage(513);
    /// RFC 7751: checksums of a CAMMAC, keys of the ticket-granting service and of the ticket's server.
    pub const CAMMAC: KeyUsage = KeyUsage(64);
    /// RFC 6806, section 11: checksum over the AS-REQ, reply key.
    pub const AS_REQ: KeyUsage = KeyUsage(56);
}
