//! FAST past the crypto: armored requests under keys that the fuzzer knows, right ones and wrong ones.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use kennel_fuzz::fast::{self, FastPlan};
use kennel_fuzz::realm::FuzzRealm;
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::LazyLock;

static REALM: LazyLock<FuzzRealm> = LazyLock::new(FuzzRealm::new);

#[derive(Debug)]
enum Case {
    /// A KrbFastReq, as a client made it or changed: what begins as a SEQUENCE does.
    Recorded(Vec<u8>),
    Planned(Box<Planned>),
}

#[derive(Debug, Arbitrary)]
struct Planned {
    plan: FastPlan,
    seed: u8,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        match u.peek_bytes(1) {
            Some([0x30]) => Ok(Case::Recorded(u.bytes(u.len())?.to_vec())),
            _ => Ok(Case::Planned(u.arbitrary()?)),
        }
    }

    fn arbitrary_take_rest(mut u: Unstructured<'a>) -> Result<Case> {
        match u.peek_bytes(1) {
            Some([0x30]) => Case::arbitrary(&mut u),
            _ => Ok(Case::Planned(Box::new(Planned::arbitrary_take_rest(u)?))),
        }
    }
}

fuzz_target!(|case: Case| {
    let (planned, mut rng) = match case {
        Case::Recorded(plaintext) => {
            let mut rng = StdRng::seed_from_u64(6113);
            (fast::recorded(&plaintext, &mut rng), rng)
        }
        Case::Planned(planned) => {
            let mut rng = StdRng::seed_from_u64(planned.seed.into());
            (planned.plan.build(&mut rng), rng)
        }
    };
    let outcome = REALM.answer(&planned.bytes, &mut rng);
    fast::check(&planned, &outcome, &REALM);
});
