//! Tickets across realms: two of Kennel, and Kennel and MIT, in both directions.

use anyhow::Result;
use kennel_tests::mit::Mit;
use kennel_tests::mit_kdc::MitKdc;
use kennel_tests::realm::Realm;

const HERE: &str = "HERE.KENNEL";
const THERE: &str = "THERE.KENNEL";
const MIT: &str = "MIT.TEST";

/// A realm's seed with one user, one service, and a trust.
fn seed(host: &str, other: &str, other_port: u16) -> String {
    format!(
        r#"
        [[principal]]
        name = "alice"
        password = "secret"

        [[principal]]
        name = "HTTP/web.{host}"

        [[trust]]
        realm = "{other}"
        password = "between us"
        kdc = "127.0.0.1:{other_port}"
        "#
    )
}

/// HERE and THERE, which trust each other. HERE knows that `there.example` is THERE's.
fn two_realms() -> Result<(Realm, Realm)> {
    let (here, there) = (Realm::builder(HERE)?, Realm::builder(THERE)?);
    let (here_port, there_port) = (here.port(), there.port());
    let referral = format!("[realm.domain_realms]\n\"there.example\" = \"{THERE}\"\n");
    let here = here.seed(&(referral + &seed("here.example", THERE, there_port))).start()?;
    let there = there.seed(&seed("there.example", HERE, here_port)).start()?;
    Ok((here, there))
}

#[test]
fn a_user_of_one_realm_gets_a_ticket_for_a_service_of_the_other() -> Result<()> {
    let (here, there) = two_realms()?;
    for (from, to, service) in [(&here, &there, "web.there.example"), (&there, &here, "web.here.example")] {
        let user = from.mit()?;
        user.kinit(&["-f", "-r", "1d", "alice"], "secret")?.ok()?;
        let keytab = to.keytab(&format!("HTTP/{service}")).display().to_string();
        let service = format!("HTTP/{service}@{}", to.name());
        user.kvno(&["-k", &keytab, &service])?.ok()?;
        user.shown(&format!("krbtgt/{}@{}", to.name(), from.name()))?;
        let flags = user.shown(&service)?.flags;
        // T = a KDC has checked the realms in between.
        assert!("FRAT".chars().all(|flag| flags.contains(flag)), "{flags}");
    }
    Ok(())
}

#[test]
fn a_host_of_another_realm_is_referred_to_it() -> Result<()> {
    let (here, there) = two_realms()?;
    let user = here.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    // The client names no realm and knows none for the host: HERE refers it to THERE.
    let keytab = there.keytab("HTTP/web.there.example").display().to_string();
    let run = user.kvno(&["-k", &keytab, "HTTP/web.there.example"])?.ok()?;
    assert!(run.trace.contains(&format!("krbtgt/{THERE}@{HERE}")), "{run}");
    Ok(())
}

#[test]
fn a_realm_that_is_not_trusted_gives_no_tickets() -> Result<()> {
    let (here, _there) = two_realms()?;
    let user = here.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/web@ELSEWHERE.KENNEL"])?.refused("not found in Kerberos database")?;
    Ok(())
}

#[test]
fn realms_with_different_passwords_do_not_understand_each_other() -> Result<()> {
    let (here, there) = (Realm::builder(HERE)?, Realm::builder(THERE)?);
    let (here_port, there_port) = (here.port(), there.port());
    let here = here.seed(&seed("here.example", THERE, there_port)).start()?;
    let other = seed("there.example", HERE, here_port).replace("between us", "something else");
    let _there = there.seed(&other).start()?;
    let user = here.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let refused = user.kvno(&[&format!("HTTP/web.there.example@{THERE}")])?;
    refused.refused("Decrypt integrity check failed")?;
    Ok(())
}

/// Three realms in a row: the first and the last trust the one between, not each other. `last` says more about the last.
fn three_realms(names: [&str; 3], last: &str) -> Result<[Realm; 3]> {
    let [a, b, c] = [Realm::builder(names[0])?, Realm::builder(names[1])?, Realm::builder(names[2])?];
    let [a_port, b_port, c_port] = [a.port(), b.port(), c.port()];
    let second_trust =
        format!("[[trust]]\nrealm = \"{}\"\npassword = \"between us\"\nkdc = \"127.0.0.1:{c_port}\"\n", names[2]);
    let first = a.seed(&seed("first.example", names[1], b_port)).start()?;
    let between = b.seed(&(seed("between.example", names[0], a_port) + &second_trust)).start()?;
    let last = c.seed(&format!("{last}\n{}", seed("last.example", names[1], b_port))).start()?;
    Ok([first, between, last])
}

/// A client of the first realm that knows the KDCs of all three, and the way if there is one to know.
fn walker(realms: &[Realm; 3], capaths: &str) -> Result<Mit> {
    let user = realms[0].mit()?.also(&realms[1].config()).also(&realms[2].config()).with_config(capaths)?;
    user.kinit(&["alice"], "secret")?.ok()?;
    Ok(user)
}

#[test]
fn a_realm_between_that_the_names_tell_of_is_accepted() -> Result<()> {
    let realms = three_realms(["HERE.KENNEL", "KENNEL", "THERE.KENNEL"], "")?;
    let user = walker(&realms, "")?;
    let service = format!("HTTP/web.last.example@{THERE}");
    user.kvno(&[&service])?.ok()?;
    assert!(user.shown(&service)?.flags.contains('T'));
    user.shown("krbtgt/THERE.KENNEL@KENNEL")?;
    Ok(())
}

#[test]
fn a_realm_between_that_nothing_tells_of_is_refused() -> Result<()> {
    let realms = three_realms(["HERE.KENNEL", "ELSEWHERE.TEST", "THERE.KENNEL"], "")?;
    let user = walker(&realms, "[capaths]\nHERE.KENNEL = {\nTHERE.KENNEL = ELSEWHERE.TEST\n}\n")?;
    user.kvno(&[&format!("HTTP/web.last.example@{THERE}")])?.refused("KDC policy rejects transited path")?;
    Ok(())
}

#[test]
fn a_realm_between_that_capaths_name_is_accepted() -> Result<()> {
    let capaths = "[realm.capaths]\n\"HERE.KENNEL\" = [\"ELSEWHERE.TEST\"]";
    let realms = three_realms(["HERE.KENNEL", "ELSEWHERE.TEST", "THERE.KENNEL"], capaths)?;
    let user = walker(&realms, "[capaths]\nHERE.KENNEL = {\nTHERE.KENNEL = ELSEWHERE.TEST\n}\n")?;
    let service = format!("HTTP/web.last.example@{THERE}");
    user.kvno(&[&service])?.ok()?;
    assert!(user.shown(&service)?.flags.contains('T'));
    Ok(())
}

/// An MIT realm and a Kennel realm that trust each other.
fn with_mit() -> Result<(Realm, MitKdc)> {
    let here = Realm::builder(HERE)?;
    let mut mit = MitKdc::create(MIT)?;
    for tgs in [format!("krbtgt/{MIT}@{HERE}"), format!("krbtgt/{HERE}@{MIT}")] {
        mit.kadmin(&format!("addprinc -pw \"between us\" {tgs}"))?;
    }
    mit.kadmin("addprinc -pw secret bob")?;
    mit.kadmin("addprinc -randkey HTTP/web.mit.example")?;
    mit.start()?;
    let seed = seed("here.example", MIT, mit.port());
    Ok((here.seed(&seed).start()?, mit))
}

#[test]
fn a_user_of_kennel_gets_a_ticket_for_a_service_of_mit() -> Result<()> {
    let (here, mit) = with_mit()?;
    let user = here.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let service = format!("HTTP/web.mit.example@{MIT}");
    user.kvno(&[&service])?.ok()?;
    user.shown(&service)?;
    assert!(mit.log().contains(&format!("alice@{HERE} for {service}")), "{}", mit.log());
    Ok(())
}

#[test]
fn a_user_of_mit_gets_a_ticket_for_a_service_of_kennel() -> Result<()> {
    let (here, mit) = with_mit()?;
    let user = Mit::new(&mit.config())?.also(&here.config());
    user.kinit(&["-f", "bob"], "secret")?.ok()?;
    let keytab = here.keytab("HTTP/web.here.example").display().to_string();
    let service = format!("HTTP/web.here.example@{HERE}");
    user.kvno(&["-k", &keytab, &service])?.ok()?;
    let flags = user.shown(&service)?.flags;
    assert!("FAT".chars().all(|flag| flags.contains(flag)), "{flags}");
    Ok(())
}
