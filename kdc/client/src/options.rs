//! Options of a requested ticket.

use kennel_crypto::Enctype;
use kennel_wire::message::{HostAddress, KdcOptions, KdcReqBody, KerberosTime, Principal, PrincipalName, Timestamp};
use rand_core::CryptoRngCore;

/// Flags, times, enctypes and addresses that a request asks for. The default asks for nothing in particular: the
/// longest life, no flags, every enctype but RC4, no addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketOptions {
    /// KDC options, such as FORWARDABLE. POSTDATED and RENEWABLE follow from `start` and `renewable_life`.
    pub flags: KdcOptions,
    /// Start of a postdated ticket.
    pub start: Option<KerberosTime>,
    /// Life in seconds, from the start; `None` asks for the longest.
    pub life: Option<i64>,
    /// Renewable life in seconds, from the start; `None` asks for a ticket that is not renewable.
    pub renewable_life: Option<i64>,
    /// Enctypes in order of preference; empty stands for all but RC4, strongest first.
    pub enctypes: Vec<Enctype>,
    /// Addresses to bind the ticket to.
    pub addresses: Vec<HostAddress>,
}

impl TicketOptions {
    /// Returns options with these flags, and defaults otherwise.
    #[must_use]
    pub fn with_flags(flags: KdcOptions) -> TicketOptions {
        TicketOptions { flags, ..TicketOptions::default() }
    }

    /// Returns the requested enctypes.
    #[must_use]
    pub fn permitted_enctypes(&self) -> Vec<Enctype> {
        if self.enctypes.is_empty() {
            Enctype::ALL.into_iter().filter(|e| *e != Enctype::Rc4Hmac).collect()
        } else {
            self.enctypes.clone()
        }
    }

    /// A request body with a fresh nonce. `now` is the KDC's time.
    pub(crate) fn body(
        &self,
        client: Option<&PrincipalName>,
        server: &Principal,
        enctypes: &[Enctype],
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> KdcReqBody {
        let start = self.start.unwrap_or(now.time);
        let mut options = self.flags;
        options.set(KdcOptions::POSTDATED, options.contains(KdcOptions::POSTDATED) || self.start.is_some());
        options.set(KdcOptions::RENEWABLE, options.contains(KdcOptions::RENEWABLE) || self.renewable_life.is_some());
        KdcReqBody {
            options,
            cname: client.cloned(),
            realm: server.realm.clone(),
            sname: Some(server.name.clone()),
            from: self.start,
            till: self.life.map_or(KerberosTime::EPOCH, |life| start.plus(life)),
            rtime: self.renewable_life.map(|life| start.plus(life)),
            nonce: fresh_nonce(rng).into(),
            etypes: enctypes.iter().map(|e| e.number()).collect(),
            addresses: (!self.addresses.is_empty()).then(|| self.addresses.clone()),
            enc_authorization_data: None,
            additional_tickets: Vec::new(),
        }
    }
}

/// 31 random bits: an encoding that no implementation takes for negative.
fn fresh_nonce(rng: &mut dyn CryptoRngCore) -> u32 {
    rng.next_u32() >> 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::OsRng;

    fn body(options: &TicketOptions) -> KdcReqBody {
        let now = Timestamp { time: KerberosTime(1_000), micros: 0 };
        options.body(None, &Principal::krbtgt("R", "R"), &options.permitted_enctypes(), now, &mut OsRng)
    }

    #[test]
    fn the_default_asks_for_the_longest_life_and_no_flags() {
        let body = body(&TicketOptions::default());
        assert_eq!((body.options, body.till, body.rtime), (KdcOptions::empty(), KerberosTime::EPOCH, None));
        assert_eq!(body.etypes, [20, 19, 18, 17]);
        assert!(body.nonce.value() < 1 << 31);
    }

    #[test]
    fn times_count_from_the_start_of_a_postdated_ticket() {
        let body = body(&TicketOptions {
            start: Some(KerberosTime(5_000)),
            life: Some(10),
            renewable_life: Some(20),
            ..TicketOptions::default()
        });
        assert_eq!(body.options, KdcOptions::POSTDATED | KdcOptions::RENEWABLE);
        assert_eq!(body.from, Some(KerberosTime(5_000)));
        assert_eq!((body.till, body.rtime), (KerberosTime(5_010), Some(KerberosTime(5_020))));
    }
}
