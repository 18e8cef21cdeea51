//! Portable Executable images: laying an image out, and binding its imports. `object` reads the
//! file; nothing is read from the file again once the image is loaded, except its export table.

mod imports;
mod load;

pub(crate) use imports::{Missing, export_of};
pub(crate) use load::{load, unload};
