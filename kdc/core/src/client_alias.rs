//! Clients under another name than their own. A client that asks by an alias or an enterprise name and does not ask for
//! canonicalization gets tickets of the name that it asked by (RFC 6806, section 6): it compares names, and refuses another one. The
//! KDC binds such a ticket to the account behind the name, so that the ticket is worth nothing once the name stands for another account.

use crate::authorization_data::if_relevant;
use kennel_wire::message::{AuthorizationDatum, Principal};

/// ad-type of the binding: local, and always inside AD-IF-RELEVANT, so that services pass over it. The data are the canonical name as
/// text.
const AD_KENNEL_CLIENT: i32 = -0x4b43;

/// The binding of a ticket to an account, as authorization data; nothing where the ticket bears the account's own name.
pub(crate) fn bind(account: &Principal, name: &Principal) -> Option<AuthorizationDatum> {
    let ad_data = || account.to_string().into_bytes();
    (account != name).then(|| if_relevant(vec![AuthorizationDatum { ad_type: AD_KENNEL_CLIENT, ad_data: ad_data() }]))
}

/// The account that a ticket is bound to, of the elements inside AD-IF-RELEVANT; only for tickets that this KDC sealed or vouches for.
/// `None` where the ticket bears the account's own name.
///
/// # Errors
/// A binding that cannot be read.
pub(crate) fn account_of_ticket(relevant: &[AuthorizationDatum]) -> Result<Option<Principal>, TornAlias> {
    let Some(binding) = relevant.iter().find(|datum| datum.ad_type == AD_KENNEL_CLIENT) else { return Ok(None) };
    let text = std::str::from_utf8(&binding.ad_data).map_err(|_| TornAlias)?;
    Principal::parse(text, "").map(Some).map_err(|_| TornAlias)
}

/// A ticket of ours with a binding that nobody can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TornAlias;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization_data::relevant;
    use crate::testing::record;
    use kennel_wire::message::AuthorizationData;

    #[test]
    fn a_ticket_under_another_name_is_bound_to_its_account_and_one_under_its_own_is_not() {
        let (alice, alias) = (record("alice").principal, record("al").principal);
        assert_eq!(bind(&alice, &alice), None);
        assert_eq!(account_of_ticket(&[]), Ok(None));
        let data = AuthorizationData(bind(&alice, &alias).into_iter().collect());
        assert_eq!(account_of_ticket(&relevant(Some(&data))), Ok(Some(alice)));
    }

    #[test]
    fn a_binding_that_cannot_be_read_is_not_taken_for_none() {
        for text in [&b""[..], b"\xff@R", b"alice", b"a@b@c"] {
            let datum = AuthorizationDatum { ad_type: AD_KENNEL_CLIENT, ad_data: text.to_vec() };
            assert_eq!(account_of_ticket(&[datum]), Err(TornAlias), "{text:?}");
        }
    }
}
