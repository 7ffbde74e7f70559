//! The list of keys as it is shown.

use crate::commands::kadmin::time::date::Now;
use kennel_crypto::Enctype;
use kennel_wire::keytab::KeytabEntry;
use std::fmt::Write;

/// The list, with times (`-t`), enctypes (`-e`) and keys (`-k`) where they are asked for; or how the command is used.
pub(super) fn list(name: &str, options: &[String], entries: &[KeytabEntry], now: &Now) -> Result<String, String> {
    let (mut with_time, mut with_enctype, mut with_key) = (false, false, false);
    for option in options {
        match &**option {
            "-t" => with_time = true,
            "-e" => with_enctype = true,
            "-k" => with_key = true,
            _ => return Err(format!("{name}: usage: {name} [-t] [-k] [-e]")),
        }
    }
    let mut text = match with_time {
        true => format!("slot KVNO Timestamp         Principal\n---- ---- ----------------- {}\n", "-".repeat(51)),
        false => format!("slot KVNO Principal\n---- ---- {}\n", "-".repeat(69)),
    };
    for (slot, entry) in (1..).zip(entries) {
        let _ = write!(text, "{slot:4} {:4} ", entry.kvno);
        if with_time {
            let _ = write!(text, "{} ", now.short_text(entry.timestamp.0));
        }
        let _ = write!(text, "{:>40}", entry.principal.to_string());
        if with_enctype {
            let _ = write!(text, " ({}) ", enctype_name(entry.key.keytype));
        }
        if with_key {
            text += " (0x";
            entry.key.keyvalue.iter().for_each(|octet| _ = write!(text, "{octet:02x}"));
            text += ")";
        }
        text += "\n";
    }
    Ok(text)
}

fn enctype_name(number: i32) -> String {
    Enctype::from_number(number).map_or_else(|| format!("etype {number}"), |enctype| enctype.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::EncryptionKey;
    use kennel_wire::message::KerberosTime;
    use kennel_wire::message::Principal;
    use zeroize::Zeroizing;

    #[test]
    fn entries_are_shown_in_the_columns_of_mit() {
        let entry = KeytabEntry {
            principal: Principal::parse("a@MIT.TEST", "R").unwrap(),
            timestamp: KerberosTime(1_795_730_925),
            kvno: 1,
            key: EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(vec![0xc0, 0x36]) },
        };
        let shown = |options: &[&str]| {
            let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
            list("l", &options, &[entry.clone()], &Now::utc(0)).unwrap()
        };
        assert_eq!(
            shown(&[]),
            "slot KVNO Principal\n\
             ---- ---- ---------------------------------------------------------------------\n\
             \x20  1    1                               a@MIT.TEST\n"
        );
        assert_eq!(
            shown(&["-e", "-t", "-k"]),
            "slot KVNO Timestamp         Principal\n\
             ---- ---- ----------------- ---------------------------------------------------\n\
             \x20  1    1 11/26/26 22:08:45                               a@MIT.TEST (aes256-cts-hmac-sha1-96)  (0xc036)\n"
        );
    }
}
