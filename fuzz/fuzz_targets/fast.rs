//! FAST past the crypto: armored requests under keys that the fuzzer knows, right ones and wrong ones.
#![no_main]

use arbitrary::Arbitrary;
use kennel_core::kdc::Step;
use kennel_fuzz::fast::{self, FastPlan};
use kennel_fuzz::realm::{FuzzRealm, NOW, at};
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
    let mut step = REALM.kdc.begin(&planned.bytes, ([127, 0, 0, 1], 4711).into(), at(NOW));
    let mut rounds = 0;
    let outcome = loop {
        match step {
            Step::Done(outcome) => break outcome,
            Step::Need(pending) => {
                rounds += 1;
                assert!(rounds <= 3 && !pending.wants().is_empty(), "an armored request asks at most three times");
                let found = pending.wants().find(|name| REALM.find(name));
                step = pending.resume(found, at(NOW), &mut rng);
            }
        }
    };
    fast::check(&planned, &outcome, &REALM);
});
