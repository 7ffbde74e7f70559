//! What the files of the master keys hold, against what the store needs: pure but for the reading.

use kennel_store::sled::MasterKeyIds;
use kennel_store::{StoreError, master_key_file};
use std::path::{Path, PathBuf};

/// The ids of the keys in the files, or why there is none.
pub(super) struct KeyFiles {
    path: PathBuf,
    key: Result<String, StoreError>,
    next: Result<Option<String>, StoreError>,
}

/// What is wrong, and what the operator does next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Under these files, the KDC would not start again.
    pub(super) problem: Option<String>,
    pub(super) next_step: Option<String>,
}

impl KeyFiles {
    /// Reads them; the keys themselves are forgotten at once.
    pub(super) fn read(path: &Path) -> KeyFiles {
        let key = master_key_file::load(path).map(|key| key.id().to_owned());
        let next = master_key_file::load_next(path).map(|next| next.map(|key| key.id().to_owned()));
        KeyFiles { path: path.to_owned(), key, next }
    }

    /// The next key, where it is another one than the store's.
    pub(super) fn candidate(&self, current: &str) -> Option<String> {
        self.next.as_ref().ok()?.clone().filter(|next| next != current)
    }

    /// Whether a rotation has ended and nothing needs the key of the first file any more.
    pub(super) fn hold_previous_and_current(&self, ids: &MasterKeyIds) -> bool {
        ids.next.is_none() && self.key.as_ref().ok() == ids.previous.as_ref() && self.has_next(&ids.current)
    }

    fn has_key(&self, id: &str) -> bool {
        self.key.as_ref().is_ok_and(|key| key == id)
    }

    fn has_next(&self, id: &str) -> bool {
        self.next.as_ref().is_ok_and(|next| next.as_deref() == Some(id))
    }

    fn has(&self, id: &str) -> bool {
        self.has_key(id) || self.has_next(id)
    }
}

/// Compares the files with the keys of the store.
pub(super) fn verdict(ids: &MasterKeyIds, files: &KeyFiles) -> Verdict {
    let (key, next) = (files.path.display(), master_key_file::next_of(&files.path));
    let next = next.display();
    if let Err(error) = &files.key {
        return problem(format!("{error}: put the key {} there", ids.current));
    }
    if let Err(error) = &files.next
        && (ids.next.is_some() || !files.has_key(&ids.current))
    {
        return problem(format!("{error}: put the key {} there", ids.next.as_ref().unwrap_or(&ids.current)));
    }
    let needed = [Some(&ids.current), ids.next.as_ref()].into_iter().flatten();
    if let Some(missing) = needed.clone().find(|id| !files.has(id)) {
        return problem(format!(
            "neither {key} nor {next} holds the master key {missing}, which the store needs: put it back before the KDC starts again \
             (the KDC goes on with the keys that it has read)"
        ));
    }
    let next_step = if ids.next.is_some() {
        Some(format!("leave both keys in {key} and {next} until the rotation has ended"))
    } else if !files.has_key(&ids.current) {
        Some(format!("put the key of {next} into {key}, and remove {next}: nothing is under the old key any more"))
    } else if let Err(error) = &files.next {
        Some(format!("{error}: the next key cannot be used"))
    } else {
        files
            .candidate(&ids.current)
            .map(|found| format!("kennel master-key rotate takes up the key {found} of {next}"))
    };
    Verdict { problem: None, next_step }
}

fn problem(problem: String) -> Verdict {
    Verdict { problem: Some(problem), next_step: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(key: &str, next: Option<&str>) -> KeyFiles {
        KeyFiles { path: "/k/master.key".into(), key: Ok(key.into()), next: Ok(next.map(str::to_owned)) }
    }

    fn ids(current: &str, next: Option<&str>, previous: Option<&str>) -> MasterKeyIds {
        MasterKeyIds { current: current.into(), next: next.map(str::to_owned), previous: previous.map(str::to_owned) }
    }

    fn unreadable() -> StoreError {
        StoreError::MasterKeyFile { path: "/k/master.key.next".into(), reason: "is open to others".into() }
    }

    #[test]
    fn each_step_of_a_rotation_says_what_comes_next() {
        let cases = [
            (ids("A", None, None), files("A", None), None),
            (ids("A", None, None), files("A", Some("B")), Some("kennel master-key rotate takes up the key B")),
            (ids("A", Some("B"), None), files("A", Some("B")), Some("leave both keys")),
            (ids("A", Some("B"), None), files("B", Some("A")), Some("leave both keys")),
            (
                ids("B", None, Some("A")),
                files("A", Some("B")),
                Some("put the key of /k/master.key.next into /k/master.key"),
            ),
            (ids("B", None, Some("A")), files("B", None), None),
            (ids("B", None, Some("A")), files("B", Some("B")), None),
        ];
        for (ids, files, expected) in cases {
            let found = verdict(&ids, &files);
            assert_eq!(found.problem, None, "{ids:?}");
            match expected {
                None => assert_eq!(found.next_step, None, "{ids:?}"),
                Some(words) => assert!(found.next_step.as_ref().unwrap().contains(words), "{ids:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_key_that_the_store_needs_and_no_file_holds_is_a_problem_that_names_it() {
        for (ids, files, missing) in [
            (ids("A", None, None), files("B", None), "A"),
            (ids("A", None, None), files("B", Some("C")), "A"),
            (ids("A", Some("B"), None), files("A", None), "B"),
            (ids("A", Some("B"), None), files("B", None), "A"),
            (ids("B", None, Some("A")), files("A", None), "B"),
        ] {
            let problem = verdict(&ids, &files).problem.unwrap();
            assert!(problem.contains(&format!("holds the master key {missing}")), "{problem}");
        }
        let gone = KeyFiles { key: Err(unreadable()), ..files("A", None) };
        assert!(verdict(&ids("A", None, None), &gone).problem.unwrap().contains("put the key A there"));
    }

    #[test]
    fn a_next_key_that_cannot_be_read_is_a_problem_only_where_it_is_needed() {
        let broken = |key: &str| KeyFiles { next: Err(unreadable()), ..files(key, None) };
        let found = verdict(&ids("A", None, None), &broken("A"));
        assert!(found.problem.is_none() && found.next_step.unwrap().contains("cannot be used"));
        assert!(verdict(&ids("A", Some("B"), None), &broken("A")).problem.unwrap().contains("put the key B there"));
        assert!(verdict(&ids("B", None, Some("A")), &broken("A")).problem.unwrap().contains("put the key B there"));
    }

    #[test]
    fn the_old_key_is_replaced_by_the_next_one_alone_and_after_the_end() {
        assert!(files("A", Some("B")).hold_previous_and_current(&ids("B", None, Some("A"))));
        assert!(!files("A", Some("B")).hold_previous_and_current(&ids("A", Some("B"), None)), "under way");
        assert!(!files("A", Some("B")).hold_previous_and_current(&ids("A", None, None)), "not begun");
        assert!(!files("C", Some("B")).hold_previous_and_current(&ids("B", None, Some("A"))), "another key");
        assert!(!files("B", None).hold_previous_and_current(&ids("B", None, Some("A"))), "done");
    }
}
