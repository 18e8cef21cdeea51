//! A soak: random, abusive and racing requests of all kinds, each held against a model of what may
//! come back.
//!
//! A run is a sequence of episodes, each with random numbers of its own, so that any of them can be
//! run again by itself. An episode has processes, handles and memory of its own; a lab runs some
//! episodes, under one policy, and then another lab follows. The same seed gives the same steps. How
//! races between the processors end, it does not decide.
//!
//! - `run`: labs and episodes, and the sentence about a step that went wrong.
//! - `episode`: what a step works with; sends a request and compares.
//! - `look`: compares memory with the model.
//! - `steps`, `race`, `parallel`: the kinds of steps.
//! - `requests`, `mutation`: chooses requests, and spoils them.
//! - `model`, `source`, `user_memory`, `system_memory`: what a request has to come to.
//! - `expected`: compares that with what came back.
//! - `summary`: counts.

mod episode;
mod expected;
mod look;
mod model;
mod mutation;
mod parallel;
mod race;
mod random;
mod requests;
mod run;
mod source;
mod steps;
mod summary;
mod system_memory;
mod user_memory;

pub use run::Soak;
pub use summary::Summary;
