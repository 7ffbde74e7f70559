//! The harness itself: MIT's clients against MIT's KDC, so that a failure elsewhere is Kennel's.

use anyhow::Result;
use kennel_tests::mit_kdc::MitKdc;

#[test]
fn mit_clients_get_tickets_from_an_mit_kdc() -> Result<()> {
    let mut realm = MitKdc::create("MIT.TEST")?;
    realm.kadmin("addprinc -pw secret alice")?;
    realm.kadmin("addprinc -randkey HTTP/web.mit.test")?;
    realm.start()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "wrong")?.refused("Password incorrect")?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/web.mit.test"])?.ok()?;
    let ticket = user.shown("HTTP/web.mit.test@MIT.TEST")?;
    assert_eq!(ticket.ticket_enctype, "aes256-cts-hmac-sha384-192");
    Ok(())
}

#[test]
fn a_failing_kadmin_query_is_noticed() -> Result<()> {
    let realm = MitKdc::create("MIT.TEST")?;
    realm.kadmin("addprinc -pw secret alice")?;
    assert!(realm.kadmin("addprinc -pw secret alice").is_err());
    Ok(())
}
