//! What happens when the system has no more memory to give.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;

/// The payload of a thread's panic when there is no memory for a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemory {
    /// The size of the request.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.bytes.div_ceil(1 << 20);
        write!(
            f,
            "out of memory, {mib} MiB more were asked for: ask for less at once, or give the process more"
        )
    }
}

/// The system's allocator for programs, which ends the process in one line and with status 1 where Rust's default aborts.
/// Tensors do not need it: see [`OutOfMemory`].
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: tweedie_tensor::Allocator = tweedie_tensor::Allocator;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocator;

impl Allocator {
    #[inline]
    fn checked(start: *mut u8, bytes: usize) -> *mut u8 {
        if start.is_null() {
            end(bytes);
        }
        start
    }
}

// SAFETY: every request is the system allocator's own.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for.
        Allocator::checked(unsafe { System.alloc(layout) }, layout.size())
    }
    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        Allocator::checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }
    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        Allocator::checked(unsafe { System.realloc(start, layout, size) }, size)
    }
    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(start, layout) }
    }
}

/// Says so, and ends the process. Nothing here asks for memory.
#[cold]
fn end(bytes: usize) -> ! {
    use std::io::Write;
    let mut line = [0u8; 160];
    let mut rest = &mut line[..];
    // The line is long enough, and standard error is not buffered.
    let _ = writeln!(rest, "error: {}", OutOfMemory { bytes });
    let left = rest.len();
    let _ = std::io::stderr().write_all(&line[..line.len() - left]);
    std::process::exit(1)
}
