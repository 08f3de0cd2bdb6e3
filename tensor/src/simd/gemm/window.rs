//! The window of a convolution.

/// A window that moves over planes, which have room for it in every place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Height and width of each phase of a plane, zeros around it included.
    pub(crate) plane: [usize; 2],
    /// How many places the window has, down and across: the size of a convolution's output.
    pub(crate) places: [usize; 2],
    /// Height and width of the window.
    pub(crate) taps: [usize; 2],
    /// Pixels from one place to the next.
    pub(crate) stride: usize,
    /// Row and column, within a phase, of the first place.
    pub(crate) first: [usize; 2],
}

impl Window {
    /// A window whose first place is at the beginning of the plane, over a plane just large enough for all places.
    pub(crate) fn new(places: [usize; 2], taps: [usize; 2], stride: usize) -> Window {
        let plane = [0, 1].map(|axis| places[axis] + (taps[axis].saturating_sub(1)) / stride);
        Window { plane, places, taps, stride, first: [0, 0] }
    }

    /// A window of one tap: each number of a line is a place.
    pub(crate) fn line(numbers: usize) -> Window {
        Window::new([1, numbers], [1, 1], 1)
    }

    /// How many phases are read, down and across.
    pub(crate) fn phases(&self) -> [usize; 2] {
        self.taps.map(|taps| taps.min(self.stride))
    }

    /// Numbers of all phases of a plane.
    pub(crate) fn size(&self) -> usize {
        self.phases().iter().chain(&self.plane).product()
    }

    /// Whether every pixel is a place of a window of one tap: then all of a plane can be treated as one row.
    pub(super) fn is_plain(&self) -> bool {
        let Window { plane, places, taps, first, .. } = *self;
        taps == [1, 1] && first == [0, 0] && plane == places
    }

    /// From the beginning of a plane to the number that this tap reads in the first place.
    pub(super) fn tap(&self, index: usize) -> usize {
        let [height, width] = self.plane;
        let tap = [index / self.taps[1], index % self.taps[1]];
        let [phase, at] = [tap.map(|tap| tap % self.stride), tap.map(|tap| tap / self.stride)];
        let [y, x] = [0, 1].map(|axis| self.first[axis] + at[axis]);
        ((phase[0] * self.phases()[1] + phase[1]) * height + y) * width + x
    }
}
