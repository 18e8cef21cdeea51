//! Portable Executable images: reading the headers, laying an image out, binding its imports.
//!
//! Source: "PE Format", Microsoft's public specification.

mod headers;
mod imports;
mod load;

pub(crate) use imports::{Missing, export_of};
pub(crate) use load::{load, unload};
