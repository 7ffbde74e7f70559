//! Authentication indicators (RFC 8129): names that an administrator gives to ways in which clients prove who they are. The KDC puts them
//! into the ticket of such a login, inside a CAMMAC, and copies them into every ticket that is derived from it; a server whose string
//! attribute `require_auth` names some takes only clients that have one of them, as with MIT krb5kdc.

use crate::authorization_data::datums;
use crate::principal::PrincipalRecord;
use crate::refusal::Refusal;
use kennel_wire::message::{AuthenticationIndicators, AuthorizationData, AuthorizationDatum, Cammac, ad_type};

/// The string attribute of servers: indicators, separated by spaces.
const REQUIRE_AUTH: &str = "require_auth";

/// The indicators as authorization data, for a CAMMAC; nothing where there are none.
pub(crate) fn datum(indicators: &[String]) -> Option<AuthorizationDatum> {
    let ad_data = || AuthenticationIndicators(indicators.to_vec()).encode();
    (!indicators.is_empty())
        .then(|| AuthorizationDatum { ad_type: ad_type::AUTHENTICATION_INDICATOR, ad_data: ad_data() })
}

/// The indicators among the elements of a CAMMAC that the KDC vouches for. What cannot be read is none.
pub(crate) fn of_elements(elements: &AuthorizationData) -> Vec<String> {
    let found = datums(&elements.0, ad_type::AUTHENTICATION_INDICATOR);
    let read = found.filter_map(|datum| AuthenticationIndicators::decode(&datum.ad_data).ok());
    read.flat_map(|indicators| indicators.0).collect()
}

/// The indicators of a ticket that nobody but this KDC can have sealed: those in its CAMMACs, whose checksums then add nothing.
/// `relevant` are the elements inside AD-IF-RELEVANT.
pub(crate) fn of_own_ticket(relevant: &[AuthorizationDatum]) -> Vec<String> {
    let cammacs = datums(relevant, ad_type::CAMMAC).filter_map(|datum| Cammac::decode(&datum.ad_data).ok());
    cammacs.flat_map(|cammac| of_elements(&cammac.elements)).collect()
}

/// Checks that a client has one of the indicators that a server requires.
///
/// # Errors
/// [`Refusal::AuthIndicatorMissing`], also where the attribute names none at all.
pub(crate) fn check_required(server: &PrincipalRecord, indicators: &[String]) -> Result<(), Refusal> {
    let Some(required) = server.strings.get(REQUIRE_AUTH) else { return Ok(()) };
    let has = required.split(' ').any(|name| !name.is_empty() && indicators.iter().any(|held| held == name));
    if has { Ok(()) } else { Err(Refusal::AuthIndicatorMissing) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_server_is_content_with_one_of_the_indicators_that_it_names() {
        let mut server = record("HTTP/web");
        assert_eq!(check_required(&server, &[]), Ok(()));
        for (required, held, enough) in [
            ("fast", &["fast"][..], true),
            ("strong  fast", &["other", "fast"], true),
            ("fast", &[], false),
            ("fast", &["faster", "fas", "FAST"], false),
            ("strong fast", &["strong fast"], false),
            ("", &["fast", ""], false),
            (" ", &[""], false),
        ] {
            server.strings.insert(REQUIRE_AUTH.to_owned(), required.to_owned());
            assert_eq!(check_required(&server, &strings(held)).is_ok(), enough, "{required:?} {held:?}");
        }
    }

    #[test]
    fn indicators_are_read_back_from_elements_and_from_the_cammacs_of_own_tickets() {
        let held = strings(&["fast", "strong"]);
        assert_eq!(datum(&[]), None);
        let elements = AuthorizationData(datum(&held).into_iter().collect());
        assert_eq!(of_elements(&elements), held);
        let cammac = Cammac { elements: elements.clone(), ..Cammac::default() };
        let wrapped = AuthorizationDatum { ad_type: ad_type::CAMMAC, ad_data: cammac.encode() };
        assert_eq!(of_own_ticket(&[wrapped]), held);
        assert!(of_own_ticket(&elements.0).is_empty(), "only what stands in a CAMMAC is the KDC's word");
        let torn = |ad_type| AuthorizationDatum { ad_type, ad_data: vec![0x30, 9] };
        assert!(of_elements(&AuthorizationData(vec![torn(ad_type::AUTHENTICATION_INDICATOR)])).is_empty());
        assert!(of_own_ticket(&[torn(ad_type::CAMMAC)]).is_empty());
    }
}
