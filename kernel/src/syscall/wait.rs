//! Waiting for a file.
use crate::errno::Errno;
use crate::executor;
use crate::program::descriptors::Open;

/// Tries again whenever the file has changed, until it gives something else than `EAGAIN`; once if the file is not to
/// wait. `direction` says whose time limit holds: 0 receiving, 1 sending (SO_RCVTIMEO, SO_SNDTIMEO).
pub async fn until_ready<T>(
    open: &Open,
    direction: usize,
    attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    until_ready_or(open, direction, !open.is_nonblocking(), attempt).await
}

/// The same, where the call says whether it waits.
pub async fn until_ready_or<T>(
    open: &Open,
    direction: usize,
    wait: bool,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match attempt() {
        Err(Errno::EAGAIN) if wait => {}
        done => return done,
    }
    let Some(queue) = open.file.changed() else { return Err(Errno::EAGAIN) };
    let limit = open.timeouts.lock().get(direction).copied().flatten();
    let due = limit.map(|limit| machine::time::now() + limit);
    let ready = queue.until(|| match attempt() {
        Err(Errno::EAGAIN) => None,
        done => Some(done),
    });
    executor::timeout(due, ready).await.unwrap_or(Err(Errno::EAGAIN))
}
