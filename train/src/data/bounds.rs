//! What a file may cost to read.

use super::error::DataError;
use super::ledger::Stamp;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use tweedie_nn::files::{NotPlain, plain_length};

/// The most pixels that a picture may have, and the most bytes that they may take.
pub(super) const PIXELS: u64 = 100_000_000;
pub(super) const DECODED: u64 = 512 << 20;
/// Pictures that decode to no more bytes than this are read whatever the length of their file; others only if that is at
/// least a part in so many: formats that take next to nothing for a picture of one colour could else have any file of
/// some bytes fill the memory. The common ones compress to no less than a thousandth.
pub(super) const FREE: u64 = 64 << 20;
pub(super) const RATIO: u64 = 4096;
/// The largest file of a picture, in bytes.
const FILE: u64 = 1 << 30;
/// Bytes that all pictures which are being decoded at one time may take; one picture always may.
const IN_FLIGHT: u64 = 1 << 30;

/// The length of a plain file; anything else is refused.
pub(super) fn regular(path: &Path) -> Result<u64, DataError> {
    plain_length(path).map_err(|error| match error {
        NotPlain::Unreadable(error) => DataError::unreadable(path, error),
        other => DataError::malformed(path, other.to_string(), "give a file"),
    })
}

/// The bytes of the file of a picture.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    read_stamped(path).map(|(bytes, _)| bytes)
}

/// The same, with the file's stamp before it was read.
pub(super) fn read_stamped(path: &Path) -> Result<(Vec<u8>, Stamp), DataError> {
    let length = regular(path)?;
    if length > FILE {
        let what = format!("picture in a file of {} MiB, more than {} MiB", length >> 20, FILE >> 20);
        return Err(DataError::malformed(path, what, "scale it down"));
    }
    let file = File::open(path).map_err(|error| DataError::unreadable(path, error))?;
    let stamp = Stamp::of(&file.metadata().map_err(|error| DataError::unreadable(path, error))?);
    let mut bytes = room(length as usize, path)?;
    // Files may grow while they are read.
    file.take(FILE).read_to_end(&mut bytes).map_err(|error| DataError::unreadable(path, error))?;
    Ok((bytes, stamp))
}

/// An empty buffer with room for `bytes`.
pub(super) fn room(bytes: usize, path: &Path) -> Result<Vec<u8>, DataError> {
    let mut buffer = Vec::new();
    match buffer.try_reserve_exact(bytes) {
        Ok(()) => Ok(buffer),
        Err(_) => {
            let what = format!("no memory for {} MiB", bytes >> 20);
            Err(DataError::malformed(path, what, "free some, or read fewer or smaller pictures"))
        }
    }
}

/// Has `work`, which takes `bytes` of memory, wait until there is room beside what other threads do.
pub(super) fn in_turn<T>(bytes: u64, work: impl FnOnce() -> T) -> T {
    static TAKEN: Mutex<u64> = Mutex::new(0);
    static FREED: Condvar = Condvar::new();
    struct Hold(u64);
    impl Drop for Hold {
        fn drop(&mut self) {
            *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= self.0;
            FREED.notify_all();
        }
    }
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    while *taken > 0 && taken.saturating_add(bytes) > IN_FLIGHT {
        taken = FREED.wait(taken).unwrap_or_else(PoisonError::into_inner);
    }
    *taken += bytes;
    drop(taken);
    let _hold = Hold(bytes);
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    #[test]
    fn no_more_is_in_flight_than_may_be() {
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let each = IN_FLIGHT / 2;
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    in_turn(each, || {
                        most.fetch_max(now.fetch_add(each, Ordering::SeqCst) + each, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(each, Ordering::SeqCst);
                    });
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= IN_FLIGHT);
        assert_eq!(in_turn(4 * IN_FLIGHT, || 3), 3);
    }
}
