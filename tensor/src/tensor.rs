use crate::{Buffer, Element, Error, Result, Shape, rehearsal};
use std::fmt;
use std::sync::Arc;

/// An n-dimensional array: row-major, contiguous, reference-counted, copied only when a shared one is written.
///
/// ```
/// use tweedie_tensor::Tensor;
/// let a = Tensor::from_slice([2, 2], &[1.0f32, 2.0, 3.0, 4.0])?;
/// let mut b = a.clone(); // shares the numbers
/// b.as_mut_slice()[0] = 9.0; // and now has its own
/// assert_eq!(a.as_slice()[0], 1.0);
/// assert!(a.reshape([3, 2]).is_err());
/// # Ok::<(), tweedie_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor<T: Element = f32> {
    buffer: Arc<Buffer<T>>,
    shape: Shape,
}

impl<T: Element> Tensor<T> {
    /// A tensor of arbitrary numbers, to be written before they are read: the memory is not cleared.
    pub fn scratch(shape: impl Into<Shape>) -> Tensor<T> {
        let shape = shape.into();
        Tensor { buffer: Arc::new(Buffer::scratch(shape.numel())), shape }
    }

    /// A tensor filled with `value`.
    pub fn full(shape: impl Into<Shape>, value: T) -> Tensor<T> {
        let mut tensor = Tensor::scratch(shape);
        tensor.as_mut_slice().fill(value);
        tensor
    }

    /// A tensor of zeros.
    pub fn zeros(shape: impl Into<Shape>) -> Tensor<T> {
        Tensor::full(shape, T::ZERO)
    }

    /// A tensor of one number and no axes.
    pub fn scalar(value: T) -> Tensor<T> {
        Tensor::full(Shape::SCALAR, value)
    }

    /// A tensor that holds a copy of `values`.
    ///
    /// # Errors
    /// [`Error::Unfit`] when there are more or fewer values than the shape has places.
    pub fn from_slice(shape: impl Into<Shape>, values: &[T]) -> Result<Tensor<T>> {
        let shape = shape.into();
        if values.len() != shape.numel() {
            let why = format!("holds {} numbers, and {} were given", shape.numel(), values.len());
            return Err(Error::Unfit { op: "from_slice", shape, why });
        }
        let mut tensor = Tensor::scratch(shape);
        // In a rehearsal the slice is empty.
        tensor.as_mut_slice().iter_mut().zip(values).for_each(|(place, value)| *place = *value);
        Ok(tensor)
    }

    /// A tensor whose number at flat index `i` is `f(i)`.
    pub fn from_fn(shape: impl Into<Shape>, f: impl FnMut(usize) -> T) -> Tensor<T> {
        let mut tensor = Tensor::scratch(shape);
        for (place, value) in tensor.as_mut_slice().iter_mut().zip((0..).map(f)) {
            *place = value;
        }
        tensor
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The lengths of the axes.
    pub fn dims(&self) -> &[usize] {
        self.shape.dims()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.shape.numel()
    }

    /// The numbers, row-major.
    pub fn as_slice(&self) -> &[T] {
        &self.buffer
    }

    /// The numbers, mutable. A tensor that shares them takes a copy first.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        if Arc::get_mut(&mut self.buffer).is_none() {
            let mut own = Buffer::scratch(self.numel());
            if !rehearsal::is_on() {
                own.copy_from_slice(&self.buffer);
            }
            self.buffer = Arc::new(own);
        }
        Arc::get_mut(&mut self.buffer).map_or(&mut [], |own| &mut own[..])
    }

    /// Whether no other tensor shares these numbers, so that writing them copies nothing.
    pub fn is_unique(&self) -> bool {
        Arc::strong_count(&self.buffer) == 1
    }

    /// A number that two tensors have in common exactly if they share their numbers, as long as both live.
    ///
    /// ```
    /// use tweedie_tensor::Tensor;
    /// let a = Tensor::<f32>::zeros([2, 3]);
    /// assert_eq!(a.reshape([6])?.identity(), a.identity());
    /// assert_ne!(Tensor::<f32>::zeros([2, 3]).identity(), a.identity());
    /// # Ok::<(), tweedie_tensor::Error>(())
    /// ```
    pub fn identity(&self) -> usize {
        Arc::as_ptr(&self.buffer).addr()
    }

    /// The only number of a one-element tensor.
    ///
    /// # Errors
    /// [`Error::Unfit`] when there is not exactly one.
    pub fn item(&self) -> Result<T> {
        match self.as_slice() {
            [value] => Ok(*value),
            _ => {
                let why = "holds more or less than one number".to_string();
                Err(Error::Unfit { op: "item", shape: self.shape, why })
            }
        }
    }

    /// The same numbers under another shape; shares them.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the number of elements differs.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor<T>> {
        let shape = shape.into();
        if shape.numel() != self.numel() {
            let why = "a reshape keeps the number of elements";
            return Err(Error::Mismatch { op: "reshape", left: self.shape, right: shape, why });
        }
        Ok(Tensor { buffer: Arc::clone(&self.buffer), shape })
    }

    /// The same numbers in another element type, rounded to nearest.
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        let from = self.as_slice();
        Tensor::from_fn(self.shape, |i| U::from_f64(from[i].to_f64()))
    }

    /// Whether no number is infinite or NaN.
    pub fn all_finite(&self) -> bool {
        self.as_slice().iter().all(|x| x.is_finite())
    }
}

impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 8;
        let first = &self.as_slice()[..self.numel().min(MOST)];
        let more = if self.numel() > MOST { ", …" } else { "" };
        write!(f, "Tensor<{}>{} [", T::NAME, self.shape)?;
        for (i, value) in first.iter().enumerate() {
            write!(f, "{}{value}", if i == 0 { "" } else { ", " })?;
        }
        write!(f, "{more}]")
    }
}
