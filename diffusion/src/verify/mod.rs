//! Every closed form beside what the program computes.
//!
//! A [`Row`] sets a number of the program's own working code beside the same number from a formula, a quadrature or a
//! recursion that shares no code with it. [`verify`] makes the table for a schedule. What is verified comes in through
//! [`Subject`], so that a fault can be planted in any of it and the table be seen to fail: a table that cannot fail
//! proves nothing.

mod bound;
mod case;
mod chain;
mod frequencies;
mod predictions;
mod reference;
mod row;
mod samplers;
mod subject;
mod table;

pub use row::Row;
pub use subject::{Program, Subject};
pub use table::{MIN_TIMESTEPS, verify};
