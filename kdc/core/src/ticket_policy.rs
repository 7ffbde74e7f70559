//! Lifetimes and flags of tickets (RFC 4120, sections 2 and 3.1.3). Nothing here is ever wider than what the request,
//! the client, the server, the realm and (in TGS) the presented ticket allow together.

use crate::principal::{Attributes, PrincipalRecord};
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::{KdcOptions, KdcReqBody, KerberosTime, TicketFlags};

/// Times of a new ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) starttime: KerberosTime,
    pub(crate) endtime: KerberosTime,
    pub(crate) renew_till: Option<KerberosTime>,
}

/// What bounds the times of a new ticket.
pub(crate) struct Bounds<'a> {
    pub(crate) realm: &'a Realm,
    /// The client, where it is one of this realm.
    pub(crate) client: Option<&'a PrincipalRecord>,
    pub(crate) server: &'a PrincipalRecord,
    /// End of the presented ticket (TGS).
    pub(crate) presented_end: Option<KerberosTime>,
    /// What the presented ticket (TGS) says of renewal.
    pub(crate) presented_renewal: PresentedRenewal,
    /// Until when the access decision allows the ticket, and its renewal.
    pub(crate) allowed_until: Option<KerberosTime>,
}

/// Whether and until when the presented ticket lets a new one be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PresentedRenewal {
    /// No ticket bounds it: an AS request, or the presented ticket itself is renewed or validated.
    Unbounded,
    /// The presented ticket is not renewable, so nothing renewable comes out of it.
    NotRenewable,
    /// The renew-till time of the presented ticket.
    Until(KerberosTime),
}

impl Bounds<'_> {
    fn records(&self) -> impl Iterator<Item = &PrincipalRecord> {
        self.client.into_iter().chain([self.server])
    }

    fn max_life(&self) -> i64 {
        self.records().filter_map(|r| r.max_life).fold(self.realm.max_life, u32::min).into()
    }

    fn max_renewable_life(&self) -> i64 {
        let forbidden = self.records().any(|r| r.attributes.contains(Attributes::DISALLOW_RENEWABLE));
        if forbidden { 0 } else { self.latest_start() }
    }

    /// Seconds from now until which a postdated ticket may begin: the longest renewable life, whether or not the ticket is
    /// renewable.
    fn latest_start(&self) -> i64 {
        self.records().filter_map(|r| r.max_renewable_life).fold(self.realm.max_renewable_life, u32::min).into()
    }

    fn may_postdate(&self) -> bool {
        self.realm.allow_postdate && !self.records().any(|r| r.attributes.contains(Attributes::DISALLOW_POSTDATED))
    }

    /// No ticket outlives the presented one, what allows it, or an account that is set to expire.
    fn latest_end(&self) -> KerberosTime {
        let unbounded = KerberosTime::EPOCH.plus(i64::MAX);
        let ends = self.records().filter_map(|r| r.expires).chain(self.presented_end).chain(self.allowed_until);
        ends.fold(unbounded, KerberosTime::min)
    }

    /// No ticket is renewed past the end of what allows it.
    fn renewable_until(&self, asked: KerberosTime) -> KerberosTime {
        self.allowed_until.map_or(asked, |allowed| asked.min(allowed))
    }
}

/// When the ticket starts, and whether it is a postdated one. With the option POSTDATED the start is the one that was asked for, also
/// within the clock skew (RFC 4120, section 3.1.3); without it a start within the skew, or in the past, is now.
///
/// # Errors
/// [`Refusal::CannotPostdate`]: a start in the future without the POSTDATED option, or where the realm or a record forbids
/// it. [`Refusal::PostdatedTooFar`].
pub(crate) fn start_time(
    body: &KdcReqBody,
    now: KerberosTime,
    bounds: &Bounds<'_>,
) -> Result<(KerberosTime, bool), Refusal> {
    let skew = i64::from(bounds.realm.clock_skew);
    let postdated = body.options.contains(KdcOptions::POSTDATED);
    match body.from {
        _ if postdated && !bounds.may_postdate() => Err(Refusal::CannotPostdate),
        Some(from) if postdated && from > now.plus(bounds.latest_start().max(skew)) => Err(Refusal::PostdatedTooFar),
        Some(from) if postdated => Ok((from, true)),
        Some(from) if from > now.plus(skew) => Err(Refusal::CannotPostdate),
        _ => Ok((now, false)),
    }
}

/// The times of a new ticket that starts at `starttime`.
///
/// # Errors
/// [`Refusal::NeverValid`].
pub(crate) fn times(
    body: &KdcReqBody,
    starttime: KerberosTime,
    now: KerberosTime,
    bounds: &Bounds<'_>,
) -> Result<Times, Refusal> {
    let asked = asked_until(body.till);
    let endtime = asked.min(starttime.plus(bounds.max_life())).min(bounds.latest_end());
    if endtime <= starttime.max(now) {
        return Err(Refusal::NeverValid);
    }
    let renew_till = renew_till(body, starttime, endtime, bounds);
    Ok(Times { starttime, endtime, renew_till })
}

/// Until when a ticket can be renewed. A client that asks for a renewable ticket gets one even where no renewable life is permitted,
/// as from MIT krb5kdc: Java refuses a reply without the flag. Such a ticket cannot be renewed, since it ends to be renewable when it
/// begins. RENEWABLE-OK alone gives nothing unless the ticket can be renewed past its end: a renewed ticket would be shorter.
fn renew_till(
    body: &KdcReqBody,
    starttime: KerberosTime,
    endtime: KerberosTime,
    bounds: &Bounds<'_>,
) -> Option<KerberosTime> {
    let renewable = body.options.contains(KdcOptions::RENEWABLE);
    let asked = if renewable {
        asked_until(body.rtime.unwrap_or_default())
    } else if body.options.contains(KdcOptions::RENEWABLE_OK) {
        asked_until(body.till)
    } else {
        return None;
    };
    let longest = starttime.plus(bounds.max_renewable_life());
    let presented = match bounds.presented_renewal {
        PresentedRenewal::Unbounded => longest,
        PresentedRenewal::NotRenewable => return None,
        PresentedRenewal::Until(till) => till,
    };
    // A time before 1970 is none that clients can read in a reply.
    let until = bounds.renewable_until(asked.min(longest).min(presented)).max(KerberosTime::EPOCH);
    (renewable || until > endtime).then_some(until)
}

/// The epoch asks for the longest there is.
fn asked_until(time: KerberosTime) -> KerberosTime {
    if time == KerberosTime::EPOCH { KerberosTime::EPOCH.plus(i64::MAX) } else { time }
}

/// The times of a renewed ticket: the same life again, from now, within renew-till and what is allowed today, which may be
/// less than when the ticket was issued.
///
/// # Errors
/// [`Refusal::RenewPast`], [`Refusal::TicketNotRenewable`] where renewable tickets are not allowed any more.
pub(crate) fn renewed_times(
    old_start: KerberosTime,
    old_end: KerberosTime,
    renew_till: KerberosTime,
    now: KerberosTime,
    bounds: &Bounds<'_>,
) -> Result<Times, Refusal> {
    if bounds.max_renewable_life() == 0 {
        return Err(Refusal::TicketNotRenewable);
    }
    let renew_till = bounds.renewable_until(renew_till);
    let life = old_end.0.saturating_sub(old_start.0).min(bounds.max_life());
    let endtime = now.plus(life).min(renew_till).min(bounds.latest_end());
    if endtime <= now {
        return Err(Refusal::RenewPast);
    }
    Ok(Times { starttime: now, endtime, renew_till: Some(renew_till) })
}

/// The times of a validated ticket: those of the postdated one, within what is allowed today.
///
/// # Errors
/// [`Refusal::CannotPostdate`] where postdated tickets are not allowed any more, [`Refusal::TicketNotYetValid`],
/// [`Refusal::TicketExpired`].
pub(crate) fn validated_times(
    starttime: KerberosTime,
    old_end: KerberosTime,
    renew_till: Option<KerberosTime>,
    now: KerberosTime,
    bounds: &Bounds<'_>,
) -> Result<Times, Refusal> {
    if !bounds.may_postdate() {
        return Err(Refusal::CannotPostdate);
    }
    if starttime > now {
        return Err(Refusal::TicketNotYetValid);
    }
    let endtime = old_end.min(starttime.plus(bounds.max_life())).min(bounds.latest_end());
    if endtime <= now {
        return Err(Refusal::TicketExpired);
    }
    let renew_till = renew_till.map(|till| bounds.renewable_until(till));
    Ok(Times { starttime, endtime, renew_till })
}

/// Flags that a client may ask for, less those that the realm or a record forbids. RENEWABLE follows from the times.
pub(crate) fn asked_flags(options: KdcOptions, bounds: &Bounds<'_>) -> TicketFlags {
    let may = |forbidden| !bounds.records().any(|r| r.attributes.contains(forbidden));
    let asked = [
        (KdcOptions::FORWARDABLE, TicketFlags::FORWARDABLE, may(Attributes::DISALLOW_FORWARDABLE)),
        (KdcOptions::PROXIABLE, TicketFlags::PROXIABLE, may(Attributes::DISALLOW_PROXIABLE)),
        (KdcOptions::ALLOW_POSTDATE, TicketFlags::MAY_POSTDATE, bounds.may_postdate()),
    ];
    let mut flags = TicketFlags::empty();
    for (option, flag, allowed) in asked {
        flags.set(flag, allowed && options.contains(option));
    }
    if bounds.server.attributes.contains(Attributes::OK_AS_DELEGATE) {
        flags |= TicketFlags::OK_AS_DELEGATE;
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{body, record};

    const NOW: KerberosTime = KerberosTime(1_800_000_000);
    const HOUR: i64 = 3600;

    fn bounds<'a>(realm: &'a Realm, client: &'a PrincipalRecord, server: &'a PrincipalRecord) -> Bounds<'a> {
        Bounds {
            realm,
            client: Some(client),
            server,
            presented_end: None,
            presented_renewal: PresentedRenewal::Unbounded,
            allowed_until: None,
        }
    }

    fn postdating() -> Realm {
        Realm { allow_postdate: true, ..Realm::new("R") }
    }

    #[test]
    fn a_ticket_is_as_long_as_the_shortest_of_request_client_server_and_realm() {
        let (realm, mut client, mut server) = (Realm::new("R"), record("alice"), record("HTTP/web"));
        let mut request = body();
        let end = |request: &KdcReqBody, client: &PrincipalRecord, server: &PrincipalRecord| {
            times(request, NOW, NOW, &bounds(&realm, client, server)).map(|t| t.endtime)
        };
        request.till = KerberosTime::EPOCH;
        assert_eq!(end(&request, &client, &server), Ok(NOW.plus(10 * HOUR)));
        client.max_life = Some(3 * 3600);
        assert_eq!(end(&request, &client, &server), Ok(NOW.plus(3 * HOUR)));
        server.max_life = Some(2 * 3600);
        assert_eq!(end(&request, &client, &server), Ok(NOW.plus(2 * HOUR)));
        request.till = NOW.plus(HOUR);
        assert_eq!(end(&request, &client, &server), Ok(NOW.plus(HOUR)));
        client.expires = Some(NOW.plus(60));
        assert_eq!(end(&request, &client, &server), Ok(NOW.plus(60)));
        request.till = NOW;
        assert_eq!(end(&request, &client, &server), Err(Refusal::NeverValid));
    }

    #[test]
    fn a_ticket_from_a_tgt_ends_with_it() {
        let (realm, client, server) = (Realm::new("R"), record("alice"), record("HTTP/web"));
        let mut bounds = bounds(&realm, &client, &server);
        bounds.presented_end = Some(NOW.plus(5));
        bounds.presented_renewal = PresentedRenewal::NotRenewable;
        let mut request = body();
        request.options = KdcOptions::RENEWABLE;
        let times = times(&request, NOW, NOW, &bounds).unwrap();
        assert_eq!((times.endtime, times.renew_till), (NOW.plus(5), None));
    }

    #[test]
    fn renewable_ok_gives_a_renewable_ticket_only_where_it_can_be_renewed_past_its_end() {
        let (realm, mut client, server) = (Realm::new("R"), record("alice"), record("HTTP/web"));
        let mut request = body();
        request.options = KdcOptions::RENEWABLE_OK;
        let renew_till = |request: &KdcReqBody, client: &PrincipalRecord| {
            times(request, NOW, NOW, &bounds(&realm, client, &server)).unwrap().renew_till
        };
        request.till = NOW.plus(HOUR);
        assert_eq!(renew_till(&request, &client), None);
        request.till = NOW.plus(24 * HOUR);
        assert_eq!(renew_till(&request, &client), Some(NOW.plus(24 * HOUR)));
        // Renewed, a ticket of 10 hours would become one of less: the client is better off without.
        for seconds in [0, 3_600, 36_000] {
            client.max_renewable_life = Some(seconds);
            assert_eq!(renew_till(&request, &client), None, "{seconds}");
        }
        client.max_renewable_life = Some(36_001);
        assert_eq!(renew_till(&request, &client), Some(NOW.plus(36_001)));
    }

    #[test]
    fn a_ticket_is_renewable_where_that_was_asked_for_and_until_it_starts_where_nothing_longer_is_permitted() {
        let (mut realm, mut client, server) = (Realm::new("R"), record("alice"), record("HTTP/web"));
        let mut request = body();
        request.options = KdcOptions::RENEWABLE;
        let renew_till = |request: &KdcReqBody, realm: &Realm, client: &PrincipalRecord| {
            times(request, NOW, NOW, &bounds(realm, client, &server)).unwrap().renew_till
        };
        for rtime in [NOW, NOW.plus(-1), NOW.plus(5)] {
            request.rtime = Some(rtime);
            assert_eq!(renew_till(&request, &realm, &client), Some(rtime), "never beyond what was asked for");
        }
        request.rtime = Some(NOW.plus(HOUR));
        client.max_renewable_life = Some(0);
        assert_eq!(renew_till(&request, &realm, &client), Some(NOW));
        client.max_renewable_life = None;
        realm.max_renewable_life = 0;
        assert_eq!(renew_till(&request, &realm, &client), Some(NOW));
    }

    #[test]
    fn a_principal_that_disallows_it_gets_no_forwardable_or_proxiable_ticket_and_none_that_can_be_renewed() {
        let (realm, mut client, server) = (Realm::new("R"), record("alice"), record("HTTP/web"));
        client.attributes =
            Attributes::DISALLOW_RENEWABLE | Attributes::DISALLOW_FORWARDABLE | Attributes::DISALLOW_PROXIABLE;
        let mut request = body();
        request.options = KdcOptions::RENEWABLE | KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE;
        let bounds = bounds(&realm, &client, &server);
        let times = times(&request, NOW, NOW, &bounds).unwrap();
        assert_eq!(times.renew_till, Some(NOW), "Java refuses a reply without the flag");
        let renewed = renewed_times(times.starttime, times.endtime, NOW, NOW, &bounds);
        assert_eq!(renewed, Err(Refusal::TicketNotRenewable));
        assert_eq!(asked_flags(request.options, &bounds), TicketFlags::empty());
    }

    #[test]
    fn a_start_in_the_future_needs_the_postdated_option_and_leave_to_postdate() {
        let (mut realm, mut client, server) = (postdating(), record("alice"), record("HTTP/web"));
        let mut request = body();
        request.from = Some(NOW.plus(HOUR));
        assert_eq!(start_time(&request, NOW, &bounds(&realm, &client, &server)), Err(Refusal::CannotPostdate));
        request.options = KdcOptions::POSTDATED;
        assert_eq!(start_time(&request, NOW, &bounds(&realm, &client, &server)), Ok((NOW.plus(HOUR), true)));
        for seconds in [-HOUR, -1, 0, 1, 300] {
            request.from = Some(NOW.plus(seconds));
            let postdated = start_time(&request, NOW, &bounds(&realm, &client, &server));
            assert_eq!(postdated, Ok((NOW.plus(seconds), true)), "the start that was asked for");
            let options = std::mem::take(&mut request.options);
            assert_eq!(start_time(&request, NOW, &bounds(&realm, &client, &server)), Ok((NOW, false)));
            request.options = options;
        }
        request.from = Some(NOW.plus(HOUR));
        client.attributes = Attributes::DISALLOW_POSTDATED;
        assert_eq!(start_time(&request, NOW, &bounds(&realm, &client, &server)), Err(Refusal::CannotPostdate));
        client.attributes = Attributes::empty();
        realm.allow_postdate = false;
        assert_eq!(start_time(&request, NOW, &bounds(&realm, &client, &server)), Err(Refusal::CannotPostdate));
    }

    #[test]
    fn a_ticket_begins_no_later_than_the_longest_renewable_life_from_now() {
        let (realm, mut client, server) = (postdating(), record("alice"), record("HTTP/web"));
        client.max_renewable_life = Some(7200);
        let mut request = body();
        request.options = KdcOptions::POSTDATED;
        for (seconds, start) in [(7200, Ok((NOW.plus(7200), true))), (7201, Err(Refusal::PostdatedTooFar))] {
            request.from = Some(NOW.plus(seconds));
            assert_eq!(start_time(&request, NOW, &bounds(&realm, &client, &server)), start);
        }
        // Clocks may differ by the skew.
        client.max_renewable_life = Some(0);
        for (seconds, start) in [(300, Ok((NOW.plus(300), true))), (301, Err(Refusal::PostdatedTooFar))] {
            request.from = Some(NOW.plus(seconds));
            assert_eq!(start_time(&request, NOW, &bounds(&realm, &client, &server)), start);
        }
    }

    #[test]
    fn a_postdated_ticket_that_would_have_ended_already_is_not_issued() {
        let (realm, client, server) = (postdating(), record("alice"), record("HTTP/web"));
        let bounds = bounds(&realm, &client, &server);
        let end = |start: KerberosTime| times(&body(), start, NOW, &bounds).map(|times| times.endtime);
        assert_eq!(end(NOW.plus(1 - 10 * HOUR)), Ok(NOW.plus(1)));
        assert_eq!(end(NOW.plus(-10 * HOUR)), Err(Refusal::NeverValid));
    }

    #[test]
    fn a_realm_gives_leave_to_postdate_only_where_it_allows_postdating_and_then_validates() {
        let (client, server) = (record("alice"), record("HTTP/web"));
        let of = |realm: &Realm| {
            let bounds = bounds(realm, &client, &server);
            let validated = validated_times(NOW, NOW.plus(HOUR), None, NOW, &bounds);
            (asked_flags(KdcOptions::ALLOW_POSTDATE, &bounds), validated.map(|times| times.endtime))
        };
        assert_eq!(of(&Realm::new("R")), (TicketFlags::empty(), Err(Refusal::CannotPostdate)), "off by default");
        assert_eq!(of(&postdating()), (TicketFlags::MAY_POSTDATE, Ok(NOW.plus(HOUR))));
    }

    #[test]
    fn a_renewed_ticket_has_the_old_life_within_renew_till() {
        let (realm, client, server) = (Realm::new("R"), record("alice"), record("HTTP/web"));
        let bounds = bounds(&realm, &client, &server);
        let renewed = |till| renewed_times(NOW.plus(-HOUR), NOW.plus(HOUR), till, NOW, &bounds).map(|t| t.endtime);
        assert_eq!(renewed(NOW.plus(24 * HOUR)), Ok(NOW.plus(2 * HOUR)));
        assert_eq!(renewed(NOW.plus(HOUR)), Ok(NOW.plus(HOUR)));
        assert_eq!(renewed(NOW), Err(Refusal::RenewPast));
    }

    #[test]
    fn what_is_allowed_today_bounds_tickets_of_yesterday() {
        // Found by the fuzz target `kdc`: a realm whose longest life was made shorter went on renewing for the old one.
        let (realm, mut client, server) = (postdating(), record("alice"), record("HTTP/web"));
        client.max_life = Some(600);
        let till = NOW.plus(24 * HOUR);
        let renewed = |client: &PrincipalRecord| {
            let bounds = bounds(&realm, client, &server);
            renewed_times(NOW.plus(-HOUR), NOW.plus(HOUR), till, NOW, &bounds).map(|t| t.endtime)
        };
        assert_eq!(renewed(&client), Ok(NOW.plus(600)));
        let validated = validated_times(NOW, NOW.plus(HOUR), None, NOW, &bounds(&realm, &client, &server));
        assert_eq!(validated.map(|t| t.endtime), Ok(NOW.plus(600)));
        client.attributes = Attributes::DISALLOW_RENEWABLE;
        assert_eq!(renewed(&client), Err(Refusal::TicketNotRenewable));
    }
}
