//! The status of a reply (MIT's error table `ovk`). Clients show their own text for each code.

/// A status: 0, a code of the table, or a number of the client's system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kadm5Status(pub u32);

/// The first code of the table.
const BASE: u32 = 43_787_520;

#[expect(missing_docs, reason = "MIT's names say it")]
impl Kadm5Status {
    pub const OK: Kadm5Status = Kadm5Status(0);
    /// EINVAL of the client's system: "Invalid argument".
    pub const INVALID_ARGUMENT: Kadm5Status = Kadm5Status(22);
    pub const FAILURE: Kadm5Status = Kadm5Status(BASE);
    pub const AUTH_GET: Kadm5Status = Kadm5Status(BASE + 1);
    pub const AUTH_ADD: Kadm5Status = Kadm5Status(BASE + 2);
    pub const AUTH_MODIFY: Kadm5Status = Kadm5Status(BASE + 3);
    pub const AUTH_DELETE: Kadm5Status = Kadm5Status(BASE + 4);
    pub const AUTH_INSUFFICIENT: Kadm5Status = Kadm5Status(BASE + 5);
    pub const BAD_DB: Kadm5Status = Kadm5Status(BASE + 6);
    pub const DUP: Kadm5Status = Kadm5Status(BASE + 7);
    pub const UNK_PRINC: Kadm5Status = Kadm5Status(BASE + 12);
    pub const UNK_POLICY: Kadm5Status = Kadm5Status(BASE + 13);
    pub const BAD_MASK: Kadm5Status = Kadm5Status(BASE + 14);
    pub const BAD_POLICY: Kadm5Status = Kadm5Status(BASE + 17);
    pub const BAD_PRINCIPAL: Kadm5Status = Kadm5Status(BASE + 18);
    pub const PASS_Q_TOOSHORT: Kadm5Status = Kadm5Status(BASE + 22);
    pub const PASS_Q_CLASS: Kadm5Status = Kadm5Status(BASE + 23);
    pub const PASS_Q_DICT: Kadm5Status = Kadm5Status(BASE + 24);
    pub const PASS_REUSE: Kadm5Status = Kadm5Status(BASE + 25);
    pub const PASS_TOOSOON: Kadm5Status = Kadm5Status(BASE + 26);
    pub const POLICY_REF: Kadm5Status = Kadm5Status(BASE + 27);
    pub const PROTECT_PRINCIPAL: Kadm5Status = Kadm5Status(BASE + 30);
    pub const BAD_API_VERSION: Kadm5Status = Kadm5Status(BASE + 35);
    pub const OLD_SERVER_API_VERSION: Kadm5Status = Kadm5Status(BASE + 37);
    pub const NEW_SERVER_API_VERSION: Kadm5Status = Kadm5Status(BASE + 39);
    pub const AUTH_LIST: Kadm5Status = Kadm5Status(BASE + 44);
    pub const AUTH_CHANGEPW: Kadm5Status = Kadm5Status(BASE + 45);
    pub const BAD_TL_TYPE: Kadm5Status = Kadm5Status(BASE + 47);
    pub const AUTH_SETKEY: Kadm5Status = Kadm5Status(BASE + 50);
    pub const SETKEY3_ETYPE_MISMATCH: Kadm5Status = Kadm5Status(BASE + 53);
    pub const BAD_KEYSALTS: Kadm5Status = Kadm5Status(BASE + 58);
    pub const SETKEY_BAD_KVNO: Kadm5Status = Kadm5Status(BASE + 59);
    pub const AUTH_EXTRACT: Kadm5Status = Kadm5Status(BASE + 60);
    pub const PROTECT_KEYS: Kadm5Status = Kadm5Status(BASE + 61);
    pub const AUTH_INITIAL: Kadm5Status = Kadm5Status(BASE + 62);
    pub const ALIAS_REALM: Kadm5Status = Kadm5Status(BASE + 63);
}
