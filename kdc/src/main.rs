//! The program `kennel-kdc`. All of its code is in the library, so that fuzz targets can call its parts.

use std::process::ExitCode;

fn main() -> ExitCode {
    kennel_kdc::main()
}
