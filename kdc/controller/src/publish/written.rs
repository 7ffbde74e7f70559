//! Which answers of the API server count as written, and the memory of writes.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether a write took effect. False, and no error, where the object was deleted meanwhile, or where a namespace that is being
/// deleted refuses the object.
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

/// The last writes, by object. The publisher reads no object back, and lacks the permission to read some.
#[derive(Default)]
pub(crate) struct Memory<T>(Mutex<T>);

impl<T> Memory<T> {
    /// Locks the memory. The guard must not live across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
