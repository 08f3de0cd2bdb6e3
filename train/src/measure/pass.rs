/// A piece of a measurement's work: a pass of the network, or several.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass<T> {
    /// The share of the work that is done, from 0 to 1; of several ranks, of this rank's.
    pub share: f64,
    /// What a batch of pictures came to, with its last pass.
    pub done: Option<T>,
}
