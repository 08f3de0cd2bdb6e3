//! Numeric kernels, forward and backward, as plain functions.
