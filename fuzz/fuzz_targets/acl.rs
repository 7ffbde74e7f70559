//! The access list of kadmin: an error that names a line of the text, or a list that gives every client the same rights each time it is
//! asked. Comments change nothing, and keys are extracted by whom a letter `e` says so alone.
#![no_main]

use kennel_core::admin::operation::Rights;
use kennel_core::admin::rights::AccessList;
use kennel_wire::message::Principal;
use libfuzzer_sys::fuzz_target;

/// Clients and targets beside those that the text names.
const NAMES: [&str; 5] = ["alice", "root/admin", "a/b/root", "*1/admin", "x@ELSEWHERE"];
/// Names of a text that are asked about.
const MOST: usize = 8;

fuzz_target!(|text: &str| {
    let list = AccessList::parse(text, "R");
    let commented = AccessList::parse(&format!("# a comment\n\n{text}"), "R");
    let list = match (list, commented) {
        (Ok(list), Ok(commented)) => {
            assert_eq!(list, commented);
            list
        }
        (Err(error), Err(commented)) => {
            assert!(error.line >= 1 && error.line <= text.lines().count(), "{error}");
            assert_eq!((error.line + 2, error.reason), (commented.line, commented.reason));
            return;
        }
        (list, commented) => panic!("{list:?} {commented:?}"),
    };
    let words = text.split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty()).take(MOST);
    let names: Vec<Principal> =
        NAMES.into_iter().chain(words).filter_map(|name| Principal::parse(name, "R").ok()).collect();
    let names_extraction = text.contains('e');
    for client in &names {
        let without_target = |right| list.permits(client, right, None).is_some();
        assert_eq!(
            Rights::all().iter().filter(|right| without_target(*right)).collect::<Rights>(),
            list.rights(client)
        );
        for target in &names {
            let may_extract = list.permits(client, Rights::EXTRACT_KEYS, Some(target)).is_some();
            assert!(names_extraction || !may_extract, "{client} extracts the keys of {target}");
        }
    }
});
