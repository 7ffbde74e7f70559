//! The access list of kadmin: a file in the syntax of MIT's kadm5.acl, read at the start and again at SIGHUP.

use anyhow::Context;
use kennel_core::admin::rights::AccessList;
use std::path::PathBuf;

/// Where the access list comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AccessListSource {
    /// Nowhere: everyone may do what everyone may do to himself, and the owner of the process the rest.
    Empty,
    /// A file.
    File(PathBuf),
    /// `*/admin` may do everything but extract keys.
    Administrators,
}

impl AccessListSource {
    /// Reads the list. Names without a realm are of `realm`.
    pub(crate) fn read(&self, realm: &str) -> anyhow::Result<AccessList> {
        match self {
            AccessListSource::Empty => Ok(AccessList::default()),
            AccessListSource::Administrators => Ok(AccessList::parse(&format!("*/admin@{realm} *"), realm)?),
            AccessListSource::File(path) => {
                let context = || format!("kadmin.acl: {} cannot be used", path.display());
                let text = std::fs::read_to_string(path).with_context(context)?;
                AccessList::parse(&text, realm).with_context(context)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::admin::operation::Rights;
    use kennel_wire::message::Principal;

    #[test]
    fn the_administrators_of_dev_may_do_everything_but_extract_keys() {
        let list = AccessListSource::Administrators.read("R").unwrap();
        let rights = |name| list.rights(&Principal::parse(name, "R").unwrap());
        assert_eq!((rights("alice/admin"), rights("alice")), (Rights::ALL_BUT_EXTRACT, Rights::empty()));
    }

    #[test]
    fn a_file_that_cannot_be_read_or_understood_is_named_with_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let source = AccessListSource::File(dir.path().join("kadm5.acl"));
        assert!(format!("{:#}", source.read("R").unwrap_err()).contains("kadm5.acl cannot be used"));
        std::fs::write(dir.path().join("kadm5.acl"), "# comment\nalice\n").unwrap();
        let error = format!("{:#}", source.read("R").unwrap_err());
        assert!(error.contains("kadm5.acl") && error.contains("line 2"), "{error}");
    }
}
