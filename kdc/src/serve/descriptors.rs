//! How many file descriptors the process may have. Each connection takes one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files to the most that this process may have, which is often far above what it starts with, and returns
/// how many of `wanted` connections may stay open for long: half of the limit, so that the others of all listeners go on.
pub(crate) fn affordable(wanted: usize) -> usize {
    let limit = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() => hard,
        Ok((soft, _)) => soft,
        Err(_) => return wanted,
    };
    let affordable = usize::try_from(limit / 2).unwrap_or(usize::MAX);
    if affordable < wanted {
        tracing::warn!(
            limit,
            wanted,
            affordable,
            "fewer pods than enrolment.waiting may wait for changes of their keys: raise the limit of open files (ulimit -n)"
        );
    }
    wanted.min(affordable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_open_files_are_left_to_others() {
        assert_eq!(affordable(1), 1);
        let most = affordable(usize::MAX);
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((soft, u64::try_from(most).unwrap()), (hard, hard / 2));
    }
}
