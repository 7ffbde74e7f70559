//! kadmin's protocol: a number of a procedure, and its arguments or results. None panics, what is read is written again and reads the
//! same, and every call that can be read has a next step.
#![no_main]

use kennel_core::admin::caller::AdminService;
use kennel_core::kadm5::call::Kadm5Call;
use kennel_core::realm::Realm;
use kennel_wire::kadm5::arguments::{Arguments, Request, version_number};
use kennel_wire::kadm5::procedure::{ApiVersion, Procedure};
use kennel_wire::kadm5::results::Response;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((number, octets)) = input.split_first() else { return };
    let realm = Realm::new("R");
    for service in [AdminService::Admin, AdminService::ChangePassword] {
        let _ = Kadm5Call::begin(u32::from(*number), octets, service, &realm);
    }
    let Some(procedure) = Procedure::from_number(u32::from(*number)) else { return };
    if let Ok(Ok(version)) = version_number(octets).map(ApiVersion::from_number)
        && let Ok(arguments) = Arguments::decode(procedure, version, octets)
    {
        let once = Request { version, arguments };
        let written = once.encode();
        let again = Arguments::decode(once.procedure(), version, &written).expect("what is written is read");
        assert_eq!(*Request { version, arguments: again }.encode(), *written);
    }
    if let Ok(response) = Response::decode(procedure, octets) {
        let written = response.encode(procedure);
        let again = Response::decode(procedure, &written).expect("what is written is read");
        assert_eq!(*again.encode(procedure), *written);
    }
});
