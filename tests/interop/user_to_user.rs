//! User-to-user: tickets under the session key of the server's own ticket.

use crate::realm_with;
use anyhow::Result;

const SEED: &str = r#"
    [[principal]]
    name = "bob"
    password = "secret"
    attributes = ["disallow_server"]

    [[principal]]
    name = "carol"
    password = "secret"
    attributes = ["disallow_dup_skey"]
"#;

#[test]
fn a_user_gets_a_ticket_for_another_user() -> Result<()> {
    let realm = realm_with(SEED)?;
    let (alice, bob) = (realm.mit()?, realm.mit()?);
    // bob's session key shows its own enctype, so that it is seen which key the ticket is under.
    let bob = bob.with_defaults(&[("default_tkt_enctypes", "aes128-cts")])?;
    bob.kinit(&["bob"], "secret")?.ok()?;
    alice.kinit(&["alice"], "secret")?.ok()?;
    alice.kvno(&["bob"])?.refused("Server principal valid for user2user only")?;
    alice.kvno(&["--u2u", &bob.cache().display().to_string(), "bob"])?.ok()?;
    let ticket = alice.shown("bob@TEST.KENNEL")?;
    assert_eq!(ticket.ticket_enctype, "aes128-cts-hmac-sha1-96");
    Ok(())
}

#[test]
fn nobody_gets_a_ticket_under_a_password() -> Result<()> {
    let realm = realm_with("[[principal]]\nname = \"dave\"\npassword = \"secret\"")?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["dave"])?.refused("Server principal valid for user2user only")?;
    user.kinit(&["-S", "dave", "alice"], "secret")?.refused("user2user only")?;
    Ok(())
}

#[test]
fn the_second_ticket_must_be_of_the_server() -> Result<()> {
    let realm = realm_with(SEED)?;
    let (alice, bob) = (realm.mit()?, realm.mit()?);
    bob.kinit(&["bob"], "secret")?.ok()?;
    alice.kinit(&["alice"], "secret")?.ok()?;
    alice
        .kvno(&["--u2u", &bob.cache().display().to_string(), "alice"])?
        .refused("Requested server and ticket don't match")?;
    Ok(())
}

#[test]
fn a_principal_may_refuse_it() -> Result<()> {
    let realm = realm_with(SEED)?;
    let (alice, carol) = (realm.mit()?, realm.mit()?);
    carol.kinit(&["carol"], "secret")?.ok()?;
    alice.kinit(&["alice"], "secret")?.ok()?;
    alice.kvno(&["--u2u", &carol.cache().display().to_string(), "carol"])?.refused("KDC policy rejects request")?;
    Ok(())
}
