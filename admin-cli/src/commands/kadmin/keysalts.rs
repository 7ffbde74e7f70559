//! Lists of enctypes with salts: `aes256-cts:normal,aes128-cts:normal`.

use kennel_crypto::Enctype;

/// What divides the elements of a list.
const SEPARATORS: [char; 3] = [',', ' ', '\t'];
/// The salts that MIT knows. Kennel makes every key with the default one.
const SALTS: [&str; 4] = ["normal", "norealm", "onlyrealm", "special"];

/// Names of the enctypes of a list, without repetition. As MIT's program does, this passes over what is unknown. A list of nothing else
/// is empty, which is the default.
pub(crate) fn parse_keysalts(text: &str) -> Vec<String> {
    let mut enctypes: Vec<Enctype> = Vec::new();
    for keysalt in text.split(SEPARATORS).filter(|keysalt| !keysalt.is_empty()) {
        let (enctype, salt) = keysalt.split_once(':').unwrap_or((keysalt, "normal"));
        let is_known = SALTS.iter().any(|known| known.eq_ignore_ascii_case(salt));
        if let Some(enctype) = Enctype::from_name(enctype).filter(|enctype| is_known && !enctypes.contains(enctype)) {
            enctypes.push(enctype);
        }
    }
    enctypes.iter().map(|enctype| enctype.name().to_owned()).collect()
}

/// A list as policies are shown: `aes256-cts:normal`.
pub(crate) fn keysalts_text(enctypes: &[String]) -> String {
    enctypes.iter().map(|enctype| format!("{enctype}:normal")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_blanks_divide_and_the_salt_may_be_left_out() {
        let both = ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"];
        for text in
            ["aes256-cts:normal,aes128-cts:normal", "aes256-cts:normal aes128-cts:normal", "aes256-cts,aes128-cts"]
        {
            assert_eq!(parse_keysalts(text), both, "{text}");
        }
    }

    #[test]
    fn what_is_unknown_is_passed_over() {
        assert_eq!(parse_keysalts("aes256-cts:normal,bogus,des3-cbc-sha1:normal"), ["aes256-cts-hmac-sha1-96"]);
        assert_eq!(parse_keysalts("aes256-cts:salty"), [""; 0]);
        assert_eq!(parse_keysalts("bogus"), [""; 0]);
    }
}
