//! Lifetimes, flags and addresses of tickets, and what is made out of a ticket: renewed and validated ones.

use crate::{TGS, realm, realm_with};
use anyhow::Result;
use std::thread::sleep;
use std::time::Duration;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Client and KDC each look at the clock.
const READING_THE_CLOCK: i64 = 3;

fn assert_about(left: i64, right: i64) {
    assert!((left - right).abs() <= READING_THE_CLOCK, "{left} is not about {right}");
}

#[test]
fn a_ticket_lives_as_long_as_asked() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-l", "1h", "alice"], "secret")?.ok()?;
    let ticket = user.credential(TGS)?;
    assert_about(ticket.endtime.0 - ticket.starttime.0, HOUR);
    assert_eq!(ticket.renew_till.0, 0);
    Ok(())
}

#[test]
fn a_ticket_lives_no_longer_than_the_realm_allows() -> Result<()> {
    let realm = realm_with("[realm]\nmax_life = \"2h\"\nmax_renewable_life = \"1d\"")?;
    let user = realm.mit()?;
    user.kinit(&["-l", "20h", "-r", "30d", "alice"], "secret")?.ok()?;
    let ticket = user.credential(TGS)?;
    assert_eq!(ticket.endtime.0 - ticket.starttime.0, 2 * HOUR);
    assert_eq!(ticket.renew_till.0 - ticket.starttime.0, DAY);
    Ok(())
}

#[test]
fn a_service_ticket_ends_with_its_tgt() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-l", "30m", "alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/web.shop"])?.ok()?;
    assert_eq!(user.credential("HTTP/web.shop@TEST.KENNEL")?.endtime, user.credential(TGS)?.endtime);
    Ok(())
}

#[test]
fn flags_that_are_asked_for_are_set() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    for (arguments, present, absent) in
        [(["-f", "-P"], "F", "P"), (["-F", "-p"], "P", "F"), (["-f", "-p"], "FP", "R"), (["-F", "-P"], "I", "FPR")]
    {
        // A life that the realm grants: libkrb5 takes a renewable ticket in place of a longer one (RENEWABLE-OK).
        user.kinit(&[&arguments[..], &["-l", "1h", "alice"]].concat(), "secret")?.ok()?;
        let flags = user.shown(TGS)?.flags;
        assert!(present.chars().all(|flag| flags.contains(flag)), "{arguments:?}: {flags}");
        assert!(!absent.chars().any(|flag| flags.contains(flag)), "{arguments:?}: {flags}");
    }
    Ok(())
}

#[test]
fn a_service_ticket_inherits_the_flags_of_its_tgt() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-f", "-p", "-r", "1d", "alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/web.shop"])?.ok()?;
    let flags = user.shown("HTTP/web.shop@TEST.KENNEL")?.flags;
    assert!("FPRA".chars().all(|flag| flags.contains(flag)), "{flags}");
    assert!(!flags.contains('I'), "{flags}");
    Ok(())
}

#[test]
fn flags_that_a_principal_may_not_have_are_not_set() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        attributes = ["disallow_forwardable", "disallow_proxiable", "disallow_renewable"]
        "#,
    )?;
    let user = realm.mit()?;
    user.kinit(&["-f", "-p", "-r", "1d", "bob"], "secret")?.ok()?;
    let flags = user.shown(TGS)?.flags;
    assert!(!"FP".chars().any(|flag| flags.contains(flag)), "{flags}");
    // The ticket says that it is renewable, since Java refuses any other reply; but only until it starts.
    let ticket = user.credential(TGS)?;
    assert_eq!(ticket.renew_till, ticket.starttime);
    user.kinit(&["-R"], "")?.refused("KDC can't fulfill requested option")?;
    Ok(())
}

#[test]
fn a_renewable_ticket_is_renewed() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-l", "1h", "-r", "2d", "alice"], "secret")?.ok()?;
    let first = user.credential(TGS)?;
    assert_about(first.renew_till.0 - first.starttime.0, 2 * DAY);
    // Times are whole seconds: the renewed one must start later to be told from the first.
    sleep(Duration::from_millis(2100));
    user.kinit(&["-R"], "")?.ok()?;
    let renewed = user.credential(TGS)?;
    assert!(renewed.starttime > first.starttime && renewed.endtime > first.endtime);
    assert_eq!(renewed.endtime.0 - renewed.starttime.0, first.endtime.0 - first.starttime.0);
    assert_eq!((renewed.renew_till, renewed.authtime), (first.renew_till, first.authtime));
    user.kvno(&["HTTP/web.shop"])?.ok()?;
    Ok(())
}

#[test]
fn a_ticket_that_is_not_renewable_is_not_renewed() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-l", "1h", "alice"], "secret")?.ok()?;
    user.kinit(&["-R"], "")?.refused("KDC can't fulfill requested option")?;
    Ok(())
}

#[test]
fn a_ticket_shorter_than_asked_is_renewable_instead() -> Result<()> {
    let realm = realm_with("[realm]\nmax_life = \"2h\"")?;
    let user = realm.mit()?;
    // libkrb5 sets RENEWABLE-OK: it asks for 20 hours, gets 2, and may renew until the 20 are over.
    user.kinit(&["-l", "20h", "alice"], "secret")?.ok()?;
    let ticket = user.credential(TGS)?;
    assert_eq!(ticket.endtime.0 - ticket.starttime.0, 2 * HOUR);
    assert_about(ticket.renew_till.0 - ticket.starttime.0, 20 * HOUR);
    Ok(())
}

#[test]
fn a_postdated_ticket_is_good_once_validated() -> Result<()> {
    // A start within the clock skew would be no postdating at all.
    let realm = realm_with("[realm]\nclock_skew = \"1s\"\nallow_postdate = true")?;
    let user = realm.mit()?;
    user.kinit(&["-s", "5s", "alice"], "secret")?.ok()?;
    let flags = user.shown(TGS)?.flags;
    // d = postdated, i = invalid.
    assert!(flags.contains('d') && flags.contains('i'), "{flags}");
    user.kinit(&["-v"], "")?.refused("Ticket not yet valid")?;
    sleep(Duration::from_secs(6));
    user.kinit(&["-v"], "")?.ok()?;
    let flags = user.shown(TGS)?.flags;
    assert!(flags.contains('d') && !flags.contains('i'), "{flags}");
    user.kvno(&["HTTP/web.shop"])?.ok()?;
    Ok(())
}

#[test]
fn a_principal_that_may_not_postdate_gets_no_postdated_ticket() -> Result<()> {
    let realm = realm_with(
        r#"
        [realm]
        allow_postdate = true

        [[principal]]
        name = "bob"
        password = "secret"
        attributes = ["disallow_postdated"]
        "#,
    )?;
    realm.mit()?.kinit(&["-s", "1h", "bob"], "secret")?.refused("Ticket is ineligible for postdating")?;
    Ok(())
}

#[test]
fn nothing_is_postdated_by_default() -> Result<()> {
    let realm = realm()?;
    realm.mit()?.kinit(&["-s", "1h", "alice"], "secret")?.refused("Ticket is ineligible for postdating")?;
    Ok(())
}

#[test]
fn a_renewable_initial_ticket_for_a_service_is_renewed() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-S", "HTTP/web.shop", "-l", "1h", "-r", "2d", "alice"], "secret")?.ok()?;
    user.kinit(&["-S", "HTTP/web.shop", "-R"], "")?.ok()?;
    assert!(user.shown("HTTP/web.shop@TEST.KENNEL")?.flags.contains('R'));
    Ok(())
}

#[test]
fn a_ticket_with_addresses_is_good_from_these_alone() -> Result<()> {
    let realm = realm()?;
    // 192.0.2.1 is nobody's (RFC 5737); the KDC sees 127.0.0.1.
    let elsewhere = realm.mit()?.with_defaults(&[("extra_addresses", "192.0.2.1")])?;
    elsewhere.kinit(&["-a", "alice"], "secret")?.ok()?;
    assert!(elsewhere.shown(TGS)?.addresses.contains("192.0.2.1"));
    elsewhere.kvno(&["HTTP/web.shop"])?.refused("Incorrect net address")?;

    let here = realm.mit()?.with_defaults(&[("extra_addresses", "127.0.0.1")])?;
    here.kinit(&["-a", "alice"], "secret")?.ok()?;
    assert!(here.shown(TGS)?.addresses.contains("127.0.0.1"));
    here.kvno(&["HTTP/web.shop"])?.ok()?;
    Ok(())
}
