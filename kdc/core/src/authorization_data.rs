//! Which authorization data goes into a new ticket (RFC 4120, section 5.2.6).

use crate::refusal::Refusal;
use kennel_wire::message::{AuthorizationData, AuthorizationDatum, ad_type};

/// Origin of authorization data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A ticket of our own: this KDC wrote or filtered it.
    OwnTicket,
    /// A ticket of a foreign KDC.
    ForeignTicket,
    /// The client.
    Client,
}

/// Nesting beyond this is dropped.
const MAX_DEPTH: usize = 4;

/// Returns the data that may be copied into a ticket. Drops data that only a KDC may assert (a PAC, our own local types,
/// AD-KDC-ISSUED, signed paths), also inside AD-IF-RELEVANT, unless our own ticket carries them.
///
/// # Errors
/// [`Refusal::AuthorizationDataMandatory`]: AD-MANDATORY-FOR-KDC with data that this KDC does not understand.
pub(crate) fn acceptable(data: AuthorizationData, source: Source) -> Result<Vec<AuthorizationDatum>, Refusal> {
    filter(data, source, 0)
}

fn filter(data: AuthorizationData, source: Source, depth: usize) -> Result<Vec<AuthorizationDatum>, Refusal> {
    let mut kept = Vec::with_capacity(data.0.len());
    for datum in data.0 {
        match datum.ad_type {
            ad_type::MANDATORY_FOR_KDC => return Err(Refusal::AuthorizationDataMandatory),
            _ if source == Source::OwnTicket => kept.push(datum),
            ad_type::IF_RELEVANT => kept.extend(container(&datum, source, depth)?),
            ad_type::WIN2K_PAC | ad_type::KDC_ISSUED | ad_type::SIGNEDPATH | ad_type::AND_OR => {}
            local if local < 0 => {}
            _ => kept.push(datum),
        }
    }
    Ok(kept)
}

fn container(datum: &AuthorizationDatum, source: Source, depth: usize) -> Result<Option<AuthorizationDatum>, Refusal> {
    let inner = match AuthorizationData::decode(&datum.ad_data) {
        Ok(inner) if depth < MAX_DEPTH => filter(inner, source, depth + 1)?,
        _ => return Ok(None),
    };
    let encoded = || AuthorizationData(inner.clone()).encode();
    Ok((!inner.is_empty()).then(|| AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: encoded() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datum(ad_type: i32) -> AuthorizationDatum {
        AuthorizationDatum { ad_type, ad_data: vec![1] }
    }

    fn within(data: Vec<AuthorizationDatum>) -> AuthorizationDatum {
        AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: AuthorizationData(data).encode() }
    }

    #[test]
    fn a_client_cannot_bring_a_pac_or_a_local_type_not_even_wrapped() {
        let bring = vec![datum(ad_type::WIN2K_PAC), datum(-71), datum(9), within(vec![datum(-71), datum(10)])];
        for source in [Source::Client, Source::ForeignTicket] {
            let kept = acceptable(AuthorizationData(bring.clone()), source).unwrap();
            assert_eq!(kept, vec![datum(9), within(vec![datum(10)])]);
        }
        let kept = acceptable(AuthorizationData(bring.clone()), Source::OwnTicket).unwrap();
        assert_eq!(kept, bring);
    }

    #[test]
    fn only_types_below_zero_are_local() {
        let kept = acceptable(AuthorizationData(vec![datum(-1), datum(0)]), Source::Client);
        assert_eq!(kept, Ok(vec![datum(0)]));
    }

    #[test]
    fn what_the_kdc_must_understand_and_does_not_is_refused() {
        let data = AuthorizationData(vec![within(vec![datum(ad_type::MANDATORY_FOR_KDC)])]);
        assert_eq!(acceptable(data, Source::Client), Err(Refusal::AuthorizationDataMandatory));
    }

    #[test]
    fn nesting_of_the_greatest_depth_is_kept_and_one_more_is_dropped() {
        let nested = |depth| AuthorizationData(vec![(0..depth).fold(datum(9), |inner, _| within(vec![inner]))]);
        assert_eq!(acceptable(nested(MAX_DEPTH), Source::Client), Ok(nested(MAX_DEPTH).0));
        assert_eq!(acceptable(nested(MAX_DEPTH + 1), Source::Client), Ok(Vec::new()));
    }

    #[test]
    fn endless_nesting_and_torn_containers_are_dropped() {
        let deep = (0..10).fold(datum(9), |inner, _| within(vec![inner]));
        assert_eq!(acceptable(AuthorizationData(vec![deep]), Source::Client), Ok(Vec::new()));
        let torn = AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: vec![0x30, 5] };
        assert_eq!(acceptable(AuthorizationData(vec![torn]), Source::Client), Ok(Vec::new()));
    }
}
