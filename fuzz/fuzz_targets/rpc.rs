//! ONC RPC with RPCSEC_GSS: records, calls, replies and credentials. None panics, and what is read is written again as it was.
#![no_main]

use kennel_wire::rpc::call::Call;
use kennel_wire::rpc::gss::{GssCredential, InitResult, init_token, integral, private};
use kennel_wire::rpc::record::{self, Record};
use kennel_wire::rpc::reply::Reply;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 65_536;

fuzz_target!(|octets: &[u8]| {
    if let Record::Whole { end } = record::find(octets, LIMIT) {
        let mut record = octets[..end].to_vec();
        let length = record::join(&mut record);
        assert!(length <= LIMIT && length < end);
        let again = record::encode(&record[..length]);
        assert_eq!(record::find(&again, LIMIT), Record::Whole { end: again.len() });
    }
    if let Ok(call) = Call::decode(octets) {
        assert!(call.covered.len() + call.arguments.len() <= octets.len());
        if let Ok(credential) = GssCredential::decode(call.credential.body) {
            assert_eq!(GssCredential::decode(&credential.encode()), Ok(credential));
        }
        let _ = (init_token(call.arguments), integral(call.arguments), private(call.arguments));
    }
    if let Ok(reply) = Reply::decode(octets) {
        assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
    }
    if let Ok(result) = InitResult::decode(octets) {
        assert_eq!(InitResult::decode(&result.encode()), Ok(result));
    }
});
