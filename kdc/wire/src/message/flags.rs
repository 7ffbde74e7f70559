//! KDCOptions, TicketFlags and APOptions (RFC 4120, sections 5.2.8, 5.3, 5.4.1, 5.5.1), FastOptions (RFC 6113, section 5.4.2).
//! Bit 0 is the most significant.

use bitflags::bitflags;

const fn bit(n: u32) -> u32 {
    0x8000_0000 >> n
}

bitflags! {
    /// Options of a KDC-REQ.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct KdcOptions: u32 {
        /// A ticket that can be forwarded.
        const FORWARDABLE = bit(1);
        /// Forward the ticket: same client, other addresses.
        const FORWARDED = bit(2);
        /// A ticket from which proxies can be made.
        const PROXIABLE = bit(3);
        /// A proxy of the presented ticket.
        const PROXY = bit(4);
        /// May be postdated later.
        const ALLOW_POSTDATE = bit(5);
        /// Postdate this one: `from` is in the future.
        const POSTDATED = bit(6);
        /// A renewable ticket.
        const RENEWABLE = bit(8);
        /// MS-SFU: constrained delegation, a client name in the additional ticket.
        const CNAME_IN_ADDL_TKT = bit(14);
        /// RFC 6806: the client accepts other names than those it asks for.
        const CANONICALIZE = bit(15);
        /// RFC 8062: an anonymous ticket.
        const REQUEST_ANONYMOUS = bit(16);
        /// Transited policy need not be checked by the KDC.
        const DISABLE_TRANSITED_CHECK = bit(26);
        /// A renewable ticket will do where the asked life is too long.
        const RENEWABLE_OK = bit(27);
        /// User-to-user: encrypt in the session key of the additional ticket.
        const ENC_TKT_IN_SKEY = bit(28);
        /// Renew the presented ticket.
        const RENEW = bit(30);
        /// Validate the presented postdated ticket.
        const VALIDATE = bit(31);
        const _ = !0;
    }
}

bitflags! {
    /// Flags of a ticket.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct TicketFlags: u32 {
        /// Can be forwarded.
        const FORWARDABLE = bit(1);
        /// Was forwarded, or came from a forwarded one.
        const FORWARDED = bit(2);
        /// Proxies can be made from it.
        const PROXIABLE = bit(3);
        /// Is a proxy.
        const PROXY = bit(4);
        /// Postdated tickets can be derived from it.
        const MAY_POSTDATE = bit(5);
        /// Was postdated.
        const POSTDATED = bit(6);
        /// Not valid until the KDC validates it.
        const INVALID = bit(7);
        /// Can be renewed until renew-till.
        const RENEWABLE = bit(8);
        /// Issued by the AS exchange, not from a TGT.
        const INITIAL = bit(9);
        /// The client was authenticated before the ticket was issued.
        const PRE_AUTHENT = bit(10);
        /// The client was authenticated with hardware.
        const HW_AUTHENT = bit(11);
        /// A KDC checked the transited field.
        const TRANSITED_POLICY_CHECKED = bit(12);
        /// The server may be trusted with delegated credentials.
        const OK_AS_DELEGATE = bit(13);
        /// RFC 6806: the reply carries PA-REQ-ENC-PA-REP.
        const ENC_PA_REP = bit(15);
        /// RFC 8062: anonymous.
        const ANONYMOUS = bit(16);
        const _ = !0;
    }
}

bitflags! {
    /// Options of an AP-REQ.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ApOptions: u32 {
        /// The ticket is encrypted in a session key.
        const USE_SESSION_KEY = bit(1);
        /// The client wants an AP-REP.
        const MUTUAL_REQUIRED = bit(2);
        const _ = !0;
    }
}

bitflags! {
    /// Options of a FAST request. Whoever does not know one of the first sixteen must refuse the request.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct FastOptions: u32 {
        /// No name of the client stands outside the encrypted parts.
        const HIDE_CLIENT_NAMES = bit(1);
        /// The KDC follows referrals in place of the client.
        const KDC_FOLLOW_REFERRALS = bit(16);
        const _ = !0;
    }
}

impl FastOptions {
    /// The critical options.
    pub const CRITICAL: FastOptions = FastOptions::from_bits_retain(0xffff_0000);
}
