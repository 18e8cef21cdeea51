//! Lays an image out in memory, and takes it out again.

use alloc::vec::Vec;
use core::fmt;

use super::headers::{Headers, directory};
use super::imports::{self, Missing};
use crate::images::{self, Image};
use crate::memory::layout::IMAGES;
use crate::memory::paging::bits;
use crate::memory::{PAGE, frames, kernel_space};
use crate::{random, raw};

/// Images start on 64 KiB boundaries, anywhere in this many bytes.
const RANDOM_SPAN: u64 = 64 << 30;
const GRANULE: u64 = 64 << 10;

/// Why an image cannot be loaded.
#[derive(Debug)]
pub(crate) enum Error {
    /// The file is not a driver image that the lab understands.
    Malformed(&'static str),
    /// So many imports are provided by nobody; each was named on the log.
    MissingImports(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) => f.write_str(reason),
            Self::MissingImports(count) => write!(f, "{count} imports are missing"),
        }
    }
}

/// Maps, relocates, binds and protects a file of `length` bytes at `file`. With `missing` saying
/// so, imports that nobody provides become stubs.
pub(crate) fn load(name: &str, file: u64, length: u64, missing: Missing) -> Result<Image, Error> {
    let headers = Headers::read(file, length).map_err(Error::Malformed)?;
    let base = choose_base(headers.image_size);
    let pages = headers.image_size.div_ceil(PAGE);
    let space = kernel_space::system();
    for page in 0..pages {
        let mapped = frames::allocate()
            .and_then(|frame| space.map(base + page * PAGE, frame, bits::KERNEL_DATA));
        if mapped.is_none() {
            return Err(Error::Malformed("memory ran out"));
        }
    }
    let image = Image {
        name: images::keep_name(name),
        base,
        size: pages * PAGE,
        functions: base + headers.directory(directory::EXCEPTION).address,
        function_count: headers.directory(directory::EXCEPTION).size / 12,
        entry: base + headers.entry,
        exports: match headers.directory(directory::EXPORT) {
            exports if exports.size == 0 => 0,
            exports => base + exports.address,
        },
    };

    raw::copy(file, base, headers.header_size);
    for section in &headers.sections {
        raw::copy(
            file + section.file_offset,
            base + section.address,
            section.file_size.min(section.virtual_size),
        );
    }
    let bound = relocate(&headers, base)
        .map_err(Error::Malformed)
        .and_then(|()| imports::bind(&headers, base, name, missing));
    if let Err(error) = bound {
        unmap(&image);
        return Err(error);
    }
    protect(&headers, base, pages);
    images::add(image);
    Ok(image)
}

fn choose_base(size: u64) -> u64 {
    loop {
        let base = IMAGES + random::below(RANDOM_SPAN / GRANULE) * GRANULE;
        let taken = [base, base + size - 1]
            .into_iter()
            .any(|end| images::find(end).is_some());
        if !taken {
            return base;
        }
    }
}

/// Applies the base relocations: blocks of 16-bit entries, of which x64 uses type 10 alone.
fn relocate(headers: &Headers, base: u64) -> Result<(), &'static str> {
    let table = headers.directory(directory::BASE_RELOCATION);
    let delta = base.wrapping_sub(headers.preferred_base);
    let end = table.address + table.size;
    let mut block = table.address;
    while block + 8 <= end {
        let page = u64::from(raw::read::<u32>(base + block));
        let size = u64::from(raw::read::<u32>(base + block + 4));
        if size < 8 || block + size > end {
            return Err("a relocation block has a wrong size");
        }
        for at in (block + 8..block + size).step_by(2) {
            let entry = raw::read::<u16>(base + at);
            let target = page + u64::from(entry & 0xFFF);
            match entry >> 12 {
                0 => {}
                10 if target + 8 <= headers.image_size => {
                    let value: u64 = raw::read(base + target);
                    raw::write(base + target, value.wrapping_add(delta));
                }
                _ => return Err("a relocation is of a type that x64 does not have"),
            }
        }
        block += size;
    }
    Ok(())
}

/// Headers read-only, every section as it says: and none both writable and executable.
fn protect(headers: &Headers, base: u64, pages: u64) {
    let space = kernel_space::system();
    let mut flags: Vec<u64> = (0..pages)
        .map(|_| bits::PRESENT | bits::NO_EXECUTE)
        .collect();
    for section in &headers.sections {
        let first = section.address / PAGE;
        for page in first..first + section.virtual_size.div_ceil(PAGE) {
            let flag = &mut flags[page as usize];
            if section.executable {
                *flag &= !bits::NO_EXECUTE;
            } else if section.writable {
                *flag |= bits::WRITE;
            }
        }
    }
    for (page, flag) in flags.iter().enumerate() {
        let address = base + page as u64 * PAGE;
        let frame = space.get(address) & bits::ADDRESS;
        space.set(address, frame | flag);
    }
}

fn unmap(image: &Image) {
    for address in (image.base..image.base + image.size).step_by(PAGE as usize) {
        let entry = kernel_space::system().unmap(address);
        frames::free(entry & bits::ADDRESS);
    }
}

/// Takes an image out of memory: whoever still calls it faults.
pub(crate) fn unload(image: &Image) {
    images::remove(image.base);
    unmap(image);
}
