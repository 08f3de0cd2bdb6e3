/// What a [`Network`](super::Network) is told of its pictures, besides the pictures themselves.
///
/// ```
/// use tweedie_nn::network::Inputs;
/// let inputs = Inputs::at(&[500.0, 20.0]).with_classes(&[3, 7]);
/// assert_eq!(inputs.timesteps, [500.0, 20.0]);
/// assert!(inputs.captions.is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Inputs<'a> {
    /// One time for each sample, or one for all.
    pub timesteps: &'a [f64],
    /// One class for each sample, or one for all; `None` for a network without classes.
    pub classes: Option<&'a [usize]>,
    /// One caption for each sample, the numbers of its words; `None` for a network that reads no captions.
    pub captions: Option<&'a [Vec<usize>]>,
}

impl<'a> Inputs<'a> {
    /// Times, without classes or captions.
    pub fn at(timesteps: &'a [f64]) -> Inputs<'a> {
        Inputs { timesteps, ..Inputs::default() }
    }

    /// The same with classes.
    #[must_use]
    pub fn with_classes(self, classes: &'a [usize]) -> Inputs<'a> {
        Inputs { classes: Some(classes), ..self }
    }

    /// The same with captions.
    #[must_use]
    pub fn with_captions(self, captions: &'a [Vec<usize>]) -> Inputs<'a> {
        Inputs { captions: Some(captions), ..self }
    }
}
