//! What a product starts from.

/// Whether a kernel's result replaces its output or is added to it (β = 0 or 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accumulate {
    /// β = 0: what the output held is never read.
    Overwrite,
    /// β = 1.
    Add,
}

/// What C starts from: C ← start + A·B. Public functions offer the two of [`Accumulate`]; a convolution or a linear map may also
/// start from a bias.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// Zeros: what C held is never read.
    Zero,
    /// What C holds: a partial sum, or what the product is to be added to.
    Current,
    /// A number for each row, as a bias of channels: what C held is never read.
    Rows(&'a [f32]),
    /// A number for each column, as a bias of a linear map's outputs: what C held is never read.
    Columns(&'a [f32]),
}

impl<'a> Start<'a> {
    /// The start of the rows from number `first` on.
    #[inline(always)]
    pub fn at_row(self, first: usize) -> Start<'a> {
        match self {
            Start::Rows(bias) => Start::Rows(&bias[first..]),
            same => same,
        }
    }

    /// The start of the columns from number `first` on.
    #[inline(always)]
    pub fn at_column(self, first: usize) -> Start<'a> {
        match self {
            Start::Columns(bias) => Start::Columns(&bias[first..]),
            same => same,
        }
    }
}

impl From<Accumulate> for Start<'_> {
    fn from(how: Accumulate) -> Self {
        match how {
            Accumulate::Overwrite => Start::Zero,
            Accumulate::Add => Start::Current,
        }
    }
}
