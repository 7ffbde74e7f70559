//! Stock MIT programs as real processes against real `kennel-kdc` processes, one file per subject.

mod harness;
