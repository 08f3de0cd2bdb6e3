#![forbid(unsafe_code)]
//! Part of tweedie: data sets and the order of data.

pub mod data;
