//! MIT's krb5kdc, as fast as an administrator makes it: one worker (Debian's default), no last-success and lock-out writes.

use super::{PASSWORD, Population, REALM, SERVICE, Server};
use anyhow::Result;
use kennel_tests::mit_kdc::MitKdc;
use std::fmt::Write;
use std::time::Instant;

pub(super) struct Mit {
    pub(super) server: Server,
    // Ends with this value.
    _kdc: MitKdc,
}

impl Mit {
    pub(super) fn start(population: &Population) -> Result<Mit> {
        let mut kdc = MitKdc::create_with(REALM, &format!("{}:normal", population.enctype))?;
        let mut script = format!("addprinc -randkey {SERVICE}\n");
        for name in population.users() {
            writeln!(script, "addprinc -pw {PASSWORD} {name}")?;
        }
        for name in population.others() {
            writeln!(script, "addprinc -randkey {name}")?;
        }
        kdc.kadmin_script(&script)?;
        let begun = Instant::now();
        kdc.start()?;
        let (started_in, port, process_id) = (begun.elapsed(), kdc.port(), kdc.process_id()?);
        Ok(Mit { server: Server { name: "MIT krb5kdc", port, process_id, started_in }, _kdc: kdc })
    }
}
