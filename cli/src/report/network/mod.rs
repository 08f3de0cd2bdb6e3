//! A network as a drawing and as a page.

mod amounts;
mod drawing;
mod layout;
mod page;
mod units;

pub(crate) use amounts::{flops, kept, of_kind, shape};
pub(crate) use drawing::drawing;
pub(crate) use page::page;
