//! Names of enctypes that a dump may have and Kennel may not.

use kennel_crypto::Enctype;

/// The name of an enctype by its number, also of one that Kennel does not have.
pub(super) fn enctype_name(number: i32) -> String {
    let foreign = match number {
        1 => "des-cbc-crc",
        2 => "des-cbc-md4",
        3 => "des-cbc-md5",
        16 => "des3-cbc-sha1",
        24 => "arcfour-hmac-exp",
        25 => "camellia128-cts-cmac",
        26 => "camellia256-cts-cmac",
        _ => return Enctype::from_number(number).map_or(format!("enctype {number}"), |known| known.name().to_owned()),
    };
    foreign.to_owned()
}
