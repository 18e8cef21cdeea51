//! The structure with which a driver asks KMDF's loader for the framework.
//!
//! `WDF_BIND_INFO` is in Microsoft's published framework source, `fxldr.h`: its own size, a pointer to
//! the component's name, the version, the number of functions, and two pointers that the loader fills.

use anyhow::{Context as _, Result};
use object::read::pe::PeFile64;

/// The name of the component, as in the image.
const COMPONENT: &str = "KmdfLibrary\0";

/// Where the structure has the pointer to it.
const COMPONENT_OFFSET: usize = 8;

/// What a driver asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindInformation {
    pub size: u32,
    pub version: [u32; 3],
    pub functions: u32,
}

impl BindInformation {
    /// Finds it by the pointer to the name.
    pub fn of(bytes: &[u8], image: &PeFile64<'_>) -> Result<Self> {
        Self::search(bytes, image).context("the image has no bind information of KMDF")
    }

    fn search(bytes: &[u8], image: &PeFile64<'_>) -> Option<Self> {
        let name: Vec<u8> = COMPONENT
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let at = bytes
            .windows(name.len())
            .position(|window| window == name)?;
        let pointer = virtual_address(image, at)?.to_le_bytes();
        let holder = bytes
            .windows(pointer.len())
            .position(|window| window == pointer)?;
        let start = holder.checked_sub(COMPONENT_OFFSET)?;
        let field = |offset: usize| {
            let bytes = bytes.get(start + offset..start + offset + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        Some(Self {
            size: field(0)?,
            version: [field(16)?, field(20)?, field(24)?],
            functions: field(28)?,
        })
    }
}

/// Returns the address at which the image prefers to have the byte at this offset of the file.
fn virtual_address(image: &PeFile64<'_>, offset: usize) -> Option<u64> {
    let offset = u32::try_from(offset).ok()?;
    let base = image
        .nt_headers()
        .optional_header
        .image_base
        .get(object::LittleEndian);
    image.section_table().iter().find_map(|section| {
        let (start, length) = section.pe_file_range();
        let within = offset
            .checked_sub(start)
            .filter(|within| *within < length)?;
        let address = section.virtual_address.get(object::LittleEndian);
        Some(base + u64::from(address) + u64::from(within))
    })
}
