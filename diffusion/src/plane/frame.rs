/// The means of the coordinates before they are centred, and the factor after that.
pub(super) struct Frame {
    pub(super) mean: [f64; 2],
    pub(super) factor: f64,
}
