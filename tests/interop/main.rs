//! Stock MIT programs as real processes against real `kennel-kdc` processes, one file per subject. What a realm holds
//! stands in each test as the text of a seed file.

mod cross_realm;
mod dev;
mod enctypes;
mod harness;
mod initial;
mod lifetimes;
mod names;
mod services;
mod transport;
mod user_to_user;

/// A realm with one user and one service.
const SMALL: &str = r#"
    [[principals]]
    name = "alice"
    password = "secret"

    [[principals]]
    name = "HTTP/web.shop"
    random = true
"#;

/// The ticket-granting service of `TEST.KENNEL`, the realm of most tests.
const TGS: &str = "krbtgt/TEST.KENNEL@TEST.KENNEL";
