//! Numbers of the program, its procedures and its API versions.

/// Number of the program in ONC RPC.
pub const PROGRAM: u32 = 2112;
/// Version of the program.
pub const PROGRAM_VERSION: u32 = 2;

macro_rules! procedures {
    ($($name:ident = $number:literal,)+) => {
        /// A procedure of the program. 17 was one for keys of Kerberos 4.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "MIT's names say it")]
        pub enum Procedure { $($name,)+ }

        impl Procedure {
            /// All of them.
            pub const ALL: &'static [Procedure] = &[$(Procedure::$name),+];

            /// Number of the procedure.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Procedure::$name => $number,)+ }
            }

            /// The procedure of a number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Procedure> {
                match number { $($number => Some(Procedure::$name),)+ _ => None }
            }
        }
    };
}

procedures! {
    CreatePrincipal = 1,
    DeletePrincipal = 2,
    ModifyPrincipal = 3,
    RenamePrincipal = 4,
    GetPrincipal = 5,
    ChangePassword = 6,
    RandomizeKeys = 7,
    CreatePolicy = 8,
    DeletePolicy = 9,
    ModifyPolicy = 10,
    GetPolicy = 11,
    GetPrivileges = 12,
    Init = 13,
    GetPrincipals = 14,
    GetPolicies = 15,
    SetKey = 16,
    CreatePrincipal3 = 18,
    ChangePassword3 = 19,
    RandomizeKeys3 = 20,
    SetKey3 = 21,
    PurgeKeys = 22,
    GetStrings = 23,
    SetString = 24,
    SetKey4 = 25,
    ExtractKeys = 26,
    CreateAlias = 27,
}

/// A version of the API, which every request and reply names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiVersion {
    /// 0x12345702.
    V2,
    /// 0x12345703: policies with lockout.
    V3,
    /// 0x12345704: policies with attributes, lives and keysalts.
    V4,
}

/// Why a version cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnservedVersion {
    /// Not a version of this API.
    Bad,
    /// Older than all that are served.
    Old,
    /// Newer than all that are served.
    New,
}

impl ApiVersion {
    const BASE: u32 = 0x1234_5700;

    /// The version of a number.
    ///
    /// # Errors
    /// Why it cannot be served.
    pub const fn from_number(number: u32) -> Result<ApiVersion, UnservedVersion> {
        if number & 0xffff_ff00 != ApiVersion::BASE {
            return Err(UnservedVersion::Bad);
        }
        match number & 0xff {
            0 | 1 => Err(UnservedVersion::Old),
            2 => Ok(ApiVersion::V2),
            3 => Ok(ApiVersion::V3),
            4 => Ok(ApiVersion::V4),
            _ => Err(UnservedVersion::New),
        }
    }

    /// Number of the version.
    #[must_use]
    pub const fn number(self) -> u32 {
        ApiVersion::BASE
            + match self {
                ApiVersion::V2 => 2,
                ApiVersion::V3 => 3,
                ApiVersion::V4 => 4,
            }
    }
}
