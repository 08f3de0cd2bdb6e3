//! The book says what the source says: links lead somewhere, excerpts are the code, named tests are there, and the answers of
//! its exercises are the numbers that the library computes.

mod answers;
mod excerpts;
mod exercises;
mod links;
mod order;
mod pages;
