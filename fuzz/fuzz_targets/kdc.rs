//! The KDC past the crypto: requests under keys that the fuzzer knows, against a realm of every kind of principal.
#![no_main]

use arbitrary::Arbitrary;
use kennel_fuzz::oracle;
use kennel_fuzz::realm::FuzzRealm;
use kennel_fuzz::request::RequestPlan;
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::LazyLock;

static REALM: LazyLock<FuzzRealm> = LazyLock::new(FuzzRealm::new);

#[derive(Debug, Arbitrary)]
struct Case {
    requests: [RequestPlan; 2],
    seed: u8,
}

fuzz_target!(|case: Case| {
    let mut rng = StdRng::seed_from_u64(case.seed.into());
    for plan in &case.requests {
        let planned = plan.build(&mut rng);
        let outcome = REALM.answer(&planned.bytes, &mut rng);
        oracle::check(&planned, &outcome, &REALM);
    }
});
