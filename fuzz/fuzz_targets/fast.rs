//! FAST past the crypto: armored requests under keys that the fuzzer knows, right ones and wrong ones.
#![no_main]

use arbitrary::Arbitrary;
use kennel_fuzz::fast::{self, FastPlan};
use kennel_fuzz::realm::FuzzRealm;
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::LazyLock;

static REALM: LazyLock<FuzzRealm> = LazyLock::new(FuzzRealm::new);

#[derive(Debug, Arbitrary)]
struct Case {
    plan: FastPlan,
    seed: u8,
}

fuzz_target!(|case: Case| {
    let mut rng = StdRng::seed_from_u64(case.seed.into());
    let planned = case.plan.build(&mut rng);
    let outcome = REALM.answer(&planned.bytes, &mut rng);
    fast::check(&planned, &outcome, &REALM);
});
