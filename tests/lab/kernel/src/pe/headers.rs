//! The headers of a PE32+ file.

use alloc::vec::Vec;

use crate::raw;

/// Positions in the table of data directories.
pub(super) mod directory {
    pub(in crate::pe) const EXPORT: u64 = 0;
    pub(in crate::pe) const IMPORT: u64 = 1;
    pub(in crate::pe) const EXCEPTION: u64 = 3;
    pub(in crate::pe) const BASE_RELOCATION: u64 = 5;
}

/// Where a directory is in the image, and its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Directory {
    pub(super) address: u64,
    pub(super) size: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) address: u64,
    pub(super) virtual_size: u64,
    pub(super) file_offset: u64,
    pub(super) file_size: u64,
    pub(super) writable: bool,
    pub(super) executable: bool,
}

/// What the loader needs of the headers; every offset is checked against the file or the image.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) preferred_base: u64,
    pub(super) image_size: u64,
    pub(super) header_size: u64,
    pub(super) entry: u64,
    pub(super) sections: Vec<Section>,
    directories: [Directory; 16],
}

const MACHINE_AMD64: u16 = 0x8664;
const PE32_PLUS: u16 = 0x20B;
const SECTION_EXECUTE: u32 = 0x2000_0000;
const SECTION_WRITE: u32 = 0x8000_0000;
const OPTIONAL_HEADER: u64 = 24;
const DIRECTORIES: u64 = 112;
const SECTION_HEADER: u64 = 40;
const LARGEST_IMAGE: u64 = 64 << 20;

impl Headers {
    /// Reads the headers of a file of `length` bytes at `file`.
    pub(super) fn read(file: u64, length: u64) -> Result<Self, &'static str> {
        let field = |offset: u64| -> Result<u64, &'static str> {
            if offset + 8 > length {
                return Err("the headers are cut off");
            }
            Ok(file + offset)
        };
        let word = |offset| field(offset).map(|at| u64::from(raw::read::<u16>(at)));
        let double = |offset| field(offset).map(|at| u64::from(raw::read::<u32>(at)));

        if word(0)? != 0x5A4D {
            return Err("no MZ signature");
        }
        let nt = double(0x3C)?;
        if double(nt)? != 0x4550 || word(nt + 4)? != u64::from(MACHINE_AMD64) {
            return Err("not a PE image for x64");
        }
        let optional = nt + OPTIONAL_HEADER;
        if word(optional)? != u64::from(PE32_PLUS) {
            return Err("not PE32+");
        }
        let image_size = double(optional + 56)?;
        let header_size = double(optional + 60)?;
        let entry = double(optional + 16)?;
        if image_size > LARGEST_IMAGE || header_size > length.min(image_size) || entry >= image_size
        {
            return Err("sizes in the headers contradict each other");
        }
        let mut directories = [Directory::default(); 16];
        let count = double(optional + 108)?.min(16);
        for (position, slot) in directories.iter_mut().enumerate().take(count as usize) {
            let at = optional + DIRECTORIES + position as u64 * 8;
            let directory = Directory {
                address: double(at)?,
                size: double(at + 4)?,
            };
            // The certificate table (4) is addressed by file offset and is not loaded.
            if position != 4 && directory.address + directory.size > image_size {
                return Err("a data directory lies outside of the image");
            }
            *slot = directory;
        }
        let table = optional + word(nt + 20)?;
        let sections = (0..word(nt + 6)?)
            .map(|number| {
                let at = table + number * SECTION_HEADER;
                let characteristics = double(at + 36)? as u32;
                let section = Section {
                    virtual_size: double(at + 8)?,
                    address: double(at + 12)?,
                    file_size: double(at + 16)?,
                    file_offset: double(at + 20)?,
                    writable: characteristics & SECTION_WRITE != 0,
                    executable: characteristics & SECTION_EXECUTE != 0,
                };
                let copied = section.virtual_size.min(section.file_size);
                if section.file_offset + copied > length
                    || section.address + section.virtual_size > image_size
                    || !section.address.is_multiple_of(4096)
                {
                    return Err("a section lies outside of the file or the image");
                }
                Ok(section)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            preferred_base: raw::read(field(optional + 24)?),
            image_size,
            header_size,
            entry,
            sections,
            directories,
        })
    }

    pub(super) const fn directory(&self, position: u64) -> Directory {
        self.directories[position as usize]
    }
}
