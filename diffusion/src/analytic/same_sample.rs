use crate::Result;
use tweedie_tensor::{Element, Error, Shape, Tensor};

/// Refuses a batch whose samples do not have the shape of the data.
pub(super) fn same_sample<T: Element>(op: &'static str, x: &Tensor<T>, sample: &[usize]) -> Result<()> {
    if x.dims().get(1..) != Some(sample) {
        let why = "a sample must have the shape of the data";
        return Err(Error::Mismatch { op, left: *x.shape(), right: Shape::new(sample)?, why }.into());
    }
    Ok(())
}
