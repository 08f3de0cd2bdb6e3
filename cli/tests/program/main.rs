//! The program as a user runs it: the built binary, its files, its words and its exit status.

mod bad_input;
mod bench;
mod bpd;
mod captions;
mod data;
mod diffusers;
mod edit;
mod eval;
mod inspect;
mod interrupt;
mod predict;
mod run;
mod sample;
mod train;
mod verify;
