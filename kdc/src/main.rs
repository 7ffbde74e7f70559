//! The program `kennel-kdc`; all of it is in the library beside it, so that the fuzzer reaches its parts.

use std::process::ExitCode;

fn main() -> ExitCode {
    kennel_kdc::main()
}
