//! The program as a user runs it: the built binary, its files, its words and its exit status.

mod bad_input;
mod bench;
mod bpd;
mod captions;
mod checkpoints;
mod class_names;
mod data;
mod diffusers;
mod divergence;
mod edit;
mod eval;
mod headers;
#[cfg(target_os = "linux")]
mod hostile;
mod inspect;
mod inspect_model;
mod interrupt;
mod lock;
mod model_folders;
mod plane;
mod predict;
mod ranks;
mod resume;
mod run;
mod sample;
mod scheduler_cases;
mod signals;
mod spread;
mod streams;
mod studio;
mod terminal;
mod tiny;
mod too_much;
mod train;
mod verify;
mod watching;
