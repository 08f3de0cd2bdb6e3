//! Differentiable operations, one file a family: forward and vector-Jacobian product side by side.
