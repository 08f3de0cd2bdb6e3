/// What numbers are drawn for. Streams of different purposes never overlap.
///
/// This crate knows no purpose but its tests': each crate that draws lists its own, and its numbers are part of what a
/// seed means. Programs built on these crates may count from 128; the numbers below belong to the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Purpose(u8);

impl Purpose {
    /// Tests and examples.
    pub const TEST: Purpose = Purpose::new(14);

    /// The purpose with this number.
    pub const fn new(number: u8) -> Purpose {
        Purpose(number)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}
