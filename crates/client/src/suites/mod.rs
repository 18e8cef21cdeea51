//! What tests a driver from its caller's side.
//!
//! | suite | what it tests |
//! | --- | --- |
//! | [`selftest`] | each request, case by case, with every byte checked |
//! | [`verify`] | that both engines read the same |
//! | [`abuse`] | that malformed requests are refused |

pub mod abuse;
mod random;
pub mod selftest;
pub mod verify;

pub use random::{Random, pattern};
