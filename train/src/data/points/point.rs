/// The shape of a point: two channels, one pixel.
pub(crate) const SHAPE: [usize; 3] = [2, 1, 1];

/// A point as two bytes, from −4 at 0 to 4 at 255: what is told of it where only bytes will do.
pub(super) fn write_bytes(point: [f32; 2], out: &mut [u8]) {
    for (byte, x) in out.iter_mut().zip(point) {
        // A saturating cast.
        *byte = ((x / 4.0 + 1.0) * 127.5).round() as u8;
    }
}
