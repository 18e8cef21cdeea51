//! Binds the import table to the lab's own exports, or to another loaded image's.

use alloc::{format, string::String};

use object::LittleEndian as LE;
use object::pe::ImageNtHeaders64;
use object::read::pe::{ExportTarget, Import, PeFile64};

use super::load::text;
use crate::images::Image;
use crate::serial::say;
use crate::{exports, raw};

/// What happens to an import that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The image is refused.
    Refuse,
    /// The import becomes a stub that prints its name and ends the run when it is called.
    Stub,
}

/// Fills in the import addresses of an image at `base`. Every missing import is printed before the
/// image is refused.
pub(super) fn bind(
    file: &PeFile64<'_>,
    base: u64,
    size: u64,
    image: &str,
    policy: Missing,
) -> Result<(), String> {
    let Some(table) = file.import_table().map_err(text)? else {
        return Ok(());
    };
    let mut missing = 0;
    let mut descriptors = table.descriptors().map_err(text)?;
    while let Some(descriptor) = descriptors.next().map_err(text)? {
        let library = table.name(descriptor.name.get(LE)).map_err(text)?;
        let library = String::from_utf8_lossy(library);
        let addresses = descriptor.first_thunk.get(LE);
        let names = match descriptor.original_first_thunk.get(LE) {
            0 => addresses,
            names => names,
        };
        let mut slot = u64::from(addresses);
        let mut thunks = table.thunks(names).map_err(text)?;
        while let Some(thunk) = thunks.next::<ImageNtHeaders64>().map_err(text)? {
            let import = table.import::<ImageNtHeaders64>(thunk).map_err(text)?;
            let (name, known) = match import {
                Import::Name(_, name) => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    let known = exports::resolve(&library, &name);
                    (name, known)
                }
                Import::Ordinal(ordinal) => (format!("#{ordinal}"), None),
            };
            let found = known.or_else(|| {
                say!("missing: {library}!{name} (for {image})");
                missing += 1;
                (policy == Missing::Stub)
                    .then(|| exports::stub(&library, &name))
                    .flatten()
            });
            if slot + 8 > size {
                return Err("an import lies outside of the image".into());
            }
            raw::write(base + slot, found.unwrap_or(0));
            slot += 8;
        }
    }
    if missing > 0 && policy == Missing::Refuse {
        return Err(format!("{missing} imports are missing"));
    }
    Ok(())
}

/// Returns the address of an image's export.
pub(crate) fn export_of(image: &Image, name: &str) -> Option<u64> {
    let file = PeFile64::parse(image.file).ok()?;
    let exports = file.export_table().ok()??;
    let (_, index) = exports
        .name_iter()
        .find(|&(pointer, _)| exports.name_from_pointer(pointer) == Ok(name.as_bytes()))?;
    match exports.target_by_index(index.into()).ok()? {
        ExportTarget::Address(address) => Some(image.base + u64::from(address)),
        _ => None,
    }
}
