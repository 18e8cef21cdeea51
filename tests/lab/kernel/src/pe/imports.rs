//! Binds the import table: to the lab's own exports, or to another loaded image's.

use super::headers::{Headers, directory};
use super::load::Error;
use crate::images::Image;
use crate::serial::say;
use crate::{exports, raw};

/// What becomes of an import that nobody provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The image is refused.
    Refuse,
    /// It becomes a stub that names itself and ends the run when it is called.
    Stub,
}

const NAME_LIMIT: usize = 256;
const DESCRIPTOR: u64 = 20;
const BY_ORDINAL: u64 = 1 << 63;

/// Fills in the import addresses; every import that nobody provides is named before any is refused.
pub(super) fn bind(
    headers: &Headers,
    base: u64,
    image: &str,
    policy: Missing,
) -> Result<(), Error> {
    let table = headers.directory(directory::IMPORT);
    if table.size == 0 {
        return Ok(());
    }
    let address = |rva: u64| -> Result<u64, Error> {
        if rva + 8 > headers.image_size {
            return Err(Error::Malformed("an import lies outside of the image"));
        }
        Ok(base + rva)
    };
    let mut missing = 0;
    let mut descriptor = table.address;
    loop {
        let at = address(descriptor + DESCRIPTOR - 8)? - (DESCRIPTOR - 8);
        let library = u64::from(raw::read::<u32>(at + 12));
        if library == 0 {
            break;
        }
        let library = raw::c_string(address(library)?, NAME_LIMIT);
        let names = u64::from(raw::read::<u32>(at));
        let addresses = u64::from(raw::read::<u32>(at + 16));
        let names = if names == 0 { addresses } else { names };
        for slot in (0..).step_by(8) {
            let entry: u64 = raw::read(address(names + slot)?);
            if entry == 0 {
                break;
            }
            if entry & BY_ORDINAL != 0 {
                return Err(Error::Malformed("an import is by ordinal"));
            }
            let name = raw::c_string(address(entry + 2)?, NAME_LIMIT);
            let found = exports::resolve(&library, &name).or_else(|| {
                say!("missing: {library}!{name} (for {image})");
                missing += 1;
                (policy == Missing::Stub).then(|| exports::stub(&library, &name))
            });
            raw::write(address(addresses + slot)?, found.unwrap_or(0));
        }
        descriptor += DESCRIPTOR;
    }
    if missing > 0 && policy == Missing::Refuse {
        return Err(Error::MissingImports(missing));
    }
    Ok(())
}

/// The address of an image's export.
pub(crate) fn export_of(image: &Image, wanted: &str) -> Option<u64> {
    if image.exports == 0 {
        return None;
    }
    let word = |offset| u64::from(raw::read::<u32>(image.exports + offset));
    let (count, functions) = (word(24), image.base + word(28));
    let (names, ordinals) = (image.base + word(32), image.base + word(36));
    (0..count)
        .find(|position| {
            let name = image.base + u64::from(raw::read::<u32>(names + position * 4));
            raw::c_string(name, NAME_LIMIT) == wanted
        })
        .map(|position| {
            let ordinal = u64::from(raw::read::<u16>(ordinals + position * 2));
            image.base + u64::from(raw::read::<u32>(functions + ordinal * 4))
        })
}
