//! Which answers of the API server count as written, and the memory of what was.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether a write has an effect that is worth remembering. An object that has gone meanwhile accepts no status, and a namespace
/// that is being deleted no ConfigMap: false, and no error.
pub(crate) fn is_written(result: kube::Result<()>) -> kube::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
        Err(kube::Error::Api(status)) if status.is_forbidden() && status.message.contains("being terminated") => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// What was written last, by object: the publisher reads no object back, and some it may not read at all.
#[derive(Default)]
pub(crate) struct Memory<T>(Mutex<T>);

impl<T> Memory<T> {
    /// The lock; it must not live across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
