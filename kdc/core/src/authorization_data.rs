//! Authorization data (RFC 4120, section 5.2.6): which of it goes into a new ticket, and what the KDC itself puts inside
//! AD-IF-RELEVANT and finds there.

use crate::refusal::Refusal;
use kennel_wire::message::{AuthorizationData, AuthorizationDatum, ad_type};

/// Origin of authorization data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A ticket under a key of this KDC alone: this KDC wrote or filtered the data.
    OwnTgt,
    /// The client, a foreign KDC, or a ticket under the key of a service, which could have written the data itself.
    Others,
}

/// What others may bring, beside AD-IF-RELEVANT around it: data that restrict the client or describe its request (MS-KILE,
/// section 2.2). No server believes of them that a KDC asserts them. Everything else is dropped: PACs, AD-KDC-ISSUED, CAMMACs
/// and authentication indicators speak for a KDC, FAST and initial-verified-CAs for an exchange that did not happen, local
/// types for this KDC, and the meaning of unknown types is unknown.
const FROM_OTHERS: [i32; 3] = [ad_type::TOKEN_RESTRICTIONS, ad_type::AP_OPTIONS, ad_type::TARGET_PRINCIPAL];

/// Nesting beyond this is dropped.
const MAX_DEPTH: usize = 4;

/// Returns the data that may be copied into a ticket: all that a ticket of this KDC carries, and of others what
/// [`FROM_OTHERS`] lists, also inside AD-IF-RELEVANT.
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
            _ if source == Source::OwnTgt => kept.push(datum),
            ad_type::IF_RELEVANT => kept.extend(container(&datum, source, depth)?),
            allowed if FROM_OTHERS.contains(&allowed) => kept.push(datum),
            _ => {}
        }
    }
    Ok(kept)
}

fn container(datum: &AuthorizationDatum, source: Source, depth: usize) -> Result<Option<AuthorizationDatum>, Refusal> {
    let inner = match AuthorizationData::decode(&datum.ad_data) {
        Ok(inner) if depth < MAX_DEPTH => filter(inner, source, depth + 1)?,
        _ => return Ok(None),
    };
    Ok((!inner.is_empty()).then(|| if_relevant(inner)))
}

/// AD-IF-RELEVANT around data (RFC 4120, section 5.2.6.1): whoever does not understand them passes over them.
pub(crate) fn if_relevant(data: Vec<AuthorizationDatum>) -> AuthorizationDatum {
    AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: AuthorizationData(data).encode() }
}

/// The elements inside AD-IF-RELEVANT. A container that cannot be read comes from a client: it holds nothing of the KDC's.
pub(crate) fn relevant(data: Option<&AuthorizationData>) -> Vec<AuthorizationDatum> {
    let containers = data.into_iter().flat_map(|data| &data.0).filter(|datum| datum.ad_type == ad_type::IF_RELEVANT);
    let inner = containers.filter_map(|container| AuthorizationData::decode(&container.ad_data).ok());
    // Mostly there is one container.
    inner.map(|inner| inner.0).reduce(|before, inner| [before, inner].concat()).unwrap_or_default()
}

/// The elements of a type.
pub(crate) fn datums(data: &[AuthorizationDatum], wanted: i32) -> impl Iterator<Item = &AuthorizationDatum> {
    data.iter().filter(move |datum| datum.ad_type == wanted)
}

/// Data without their CAMMACs, also inside AD-IF-RELEVANT: the checksums of a CAMMAC cover the ticket that it was made for, and no other.
pub(crate) fn without_cammacs(data: Vec<AuthorizationDatum>) -> Vec<AuthorizationDatum> {
    let open = |datum: &AuthorizationDatum| match datum.ad_type {
        ad_type::IF_RELEVANT => AuthorizationData::decode(&datum.ad_data).ok(),
        _ => None,
    };
    let kept = |datum: AuthorizationDatum| match open(&datum) {
        Some(inner) if datums(&inner.0, ad_type::CAMMAC).next().is_some() => {
            let rest = without_cammacs(inner.0);
            (!rest.is_empty()).then(|| if_relevant(rest))
        }
        _ => (datum.ad_type != ad_type::CAMMAC).then_some(datum),
    };
    data.into_iter().filter_map(kept).collect()
}

/// The first element of a type inside AD-IF-RELEVANT.
pub(crate) fn first_relevant(data: &AuthorizationData, wanted: i32) -> Option<AuthorizationDatum> {
    relevant(Some(data)).into_iter().find(|datum| datum.ad_type == wanted)
}

/// Whether data hold an element of a type, by itself or inside AD-IF-RELEVANT.
pub(crate) fn holds(data: &AuthorizationData, wanted: i32) -> bool {
    data.0.iter().any(|datum| datum.ad_type == wanted) || first_relevant(data, wanted).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datum(ad_type: i32) -> AuthorizationDatum {
        AuthorizationDatum { ad_type, ad_data: vec![1] }
    }

    /// A type that others may bring.
    const ALLOWED: i32 = ad_type::AP_OPTIONS;

    #[test]
    fn others_bring_what_is_listed_and_nothing_else_not_even_wrapped() {
        let types = || (-80..=600).chain([i32::MIN, i32::MAX]);
        let containers = [ad_type::MANDATORY_FOR_KDC, ad_type::IF_RELEVANT];
        let bring: Vec<_> = types().filter(|number| !containers.contains(number)).map(datum).collect();
        let all = AuthorizationData([&bring[..], &[if_relevant(bring.clone())]].concat());
        let listed = FROM_OTHERS.map(datum).to_vec();
        let kept = acceptable(all.clone(), Source::Others).unwrap();
        assert_eq!(kept, [&listed[..], &[if_relevant(listed.clone())]].concat());
        assert_eq!(acceptable(all.clone(), Source::OwnTgt), Ok(all.0));
    }

    #[test]
    fn what_the_kdc_must_understand_and_does_not_is_refused() {
        let data = AuthorizationData(vec![if_relevant(vec![datum(ad_type::MANDATORY_FOR_KDC)])]);
        assert_eq!(acceptable(data, Source::Others), Err(Refusal::AuthorizationDataMandatory));
    }

    #[test]
    fn nesting_of_the_greatest_depth_is_kept_and_one_more_is_dropped() {
        let nested =
            |depth| AuthorizationData(vec![(0..depth).fold(datum(ALLOWED), |inner, _| if_relevant(vec![inner]))]);
        assert_eq!(acceptable(nested(MAX_DEPTH), Source::Others), Ok(nested(MAX_DEPTH).0));
        assert_eq!(acceptable(nested(MAX_DEPTH + 1), Source::Others), Ok(Vec::new()));
    }

    #[test]
    fn cammacs_are_taken_out_and_nothing_else() {
        let (cammac, other) = (datum(ad_type::CAMMAC), datum(ALLOWED));
        let torn = AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: vec![0x30, 5] };
        let data = vec![
            if_relevant(vec![cammac.clone()]),
            other.clone(),
            if_relevant(vec![other.clone(), cammac.clone(), datum(5)]),
            torn.clone(),
            cammac,
        ];
        let rest = vec![other.clone(), if_relevant(vec![other, datum(5)]), torn];
        assert_eq!(without_cammacs(data), rest);
        assert_eq!(without_cammacs(rest.clone()), rest);
    }

    #[test]
    fn endless_nesting_and_torn_containers_are_dropped() {
        let deep = (0..10).fold(datum(ALLOWED), |inner, _| if_relevant(vec![inner]));
        assert_eq!(acceptable(AuthorizationData(vec![deep]), Source::Others), Ok(Vec::new()));
        let torn = AuthorizationDatum { ad_type: ad_type::IF_RELEVANT, ad_data: vec![0x30, 5] };
        assert_eq!(acceptable(AuthorizationData(vec![torn]), Source::Others), Ok(Vec::new()));
    }
}
