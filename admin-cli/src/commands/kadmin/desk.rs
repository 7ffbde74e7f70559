//! What every command needs: the session, the KDC, the time.

use crate::commands::kadmin::administrator::Administrator;
use crate::commands::kadmin::failure::{Failure, Right};
use crate::commands::kadmin::session::Session;
use crate::commands::kadmin::time::date::Now;
use crate::keytab_file::{KeytabFile, UnknownType};
use kennel_wire::message::Principal;

/// The desk at which commands are carried out.
pub(crate) struct Desk {
    pub(crate) session: Session,
    pub(crate) admin: Administrator,
    /// Realm of names without one.
    pub(crate) realm: String,
    /// Time of the present command.
    pub(crate) now: Now,
}

impl Desk {
    /// Reads the name of a principal. Where it is none, says so: `WHO: Malformed representation of principal CONTEXT`.
    pub(crate) fn principal(&mut self, text: &str, who: &str, context: &str) -> Option<Principal> {
        let read = Principal::parse(text, &self.realm);
        if read.is_err() {
            self.session.fail_while(who, "Malformed representation of principal", context);
        }
        read.ok()
    }

    /// Resolves the name of a keytab. Where it is of an unknown type, says so.
    pub(crate) fn keytab(&mut self, name: Option<&str>) -> Option<KeytabFile> {
        match KeytabFile::named(name) {
            Ok(keytab) => Some(keytab),
            Err(UnknownType(name)) => {
                let (who, context) = (self.session.program.clone(), format!("while resolving keytab {name}"));
                self.session.fail_while(&who, "Unknown Key table type", &context);
                None
            }
        }
    }

    /// Says that an operation failed: `WHO: WHY CONTEXT`.
    pub(crate) fn failed(&mut self, who: &str, failure: &Failure, right: Right, context: &str) {
        self.session.fail_while(who, &failure.text(right), context);
    }
}
