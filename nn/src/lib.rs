#![forbid(unsafe_code)]
//! Part of tweedie.
