//! Stock clients and servers as real processes against real `kennel-kdc` processes, one file per subject. What a realm holds
//! stands in each test as the text of a seed file.

mod cross_realm;
mod daemons;
mod dev;
mod enctypes;
mod families;
mod fast;
mod fast_messages;
mod go;
mod gssapi;
mod harness;
mod heimdal;
mod initial;
mod kerby;
mod keytab_change;
mod kpasswd;
mod lifetimes;
mod mit_import;
mod names;
mod old;
mod pykrb5;
mod samba;
mod services;
mod sspi;
mod transport;
mod user_to_user;

use anyhow::Result;
use kennel_tests::realm::Realm;

/// The ticket-granting service of `TEST.KENNEL`, the realm of most tests.
const TGS: &str = "krbtgt/TEST.KENNEL@TEST.KENNEL";

/// A realm with the user alice, whose password is `secret`, and the service HTTP/web.shop.
fn realm() -> Result<Realm> {
    realm_with("")
}

/// The same realm, and what `more` of a seed file says.
fn realm_with(more: &str) -> Result<Realm> {
    let seed = r#"
        [[principal]]
        name = "alice"
        password = "secret"

        [[principal]]
        name = "HTTP/web.shop"
    "#;
    Realm::builder("TEST.KENNEL")?.seed(&format!("{more}\n{seed}")).start()
}
