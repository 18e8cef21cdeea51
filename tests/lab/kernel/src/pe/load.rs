//! Loads an image into memory, and unloads it.

use alloc::{format, string::String, vec};

use object::LittleEndian as LE;
use object::pe::{
    IMAGE_DIRECTORY_ENTRY_EXCEPTION, IMAGE_FILE_MACHINE_AMD64, IMAGE_REL_BASED_ABSOLUTE,
    IMAGE_REL_BASED_DIR64, IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_WRITE, ImageDataDirectory,
};
use object::read::pe::PeFile64;

use super::imports::{self, Missing};
use crate::images::{self, Image};
use crate::memory::layout::IMAGES;
use crate::memory::paging::bits;
use crate::memory::{PAGE, frames, kernel_space};
use crate::{hypervisor, locks, pageable, random, raw};

/// Images start on 64 KiB boundaries, anywhere in this many bytes.
const RANDOM_SPAN: u64 = 64 << 30;
const GRANULE: u64 = 64 << 10;

/// Bytes of the largest image that is loaded.
const LARGEST: u64 = 64 << 20;

/// How the names of sections begin that the loader pages: "Making Drivers Pageable", Windows driver
/// documentation.
const PAGEABLE: &[u8] = b"PAGE";

/// An error of the reader, as text for the log.
pub(super) fn text(error: object::Error) -> String {
    format!("{error}")
}

/// Maps, relocates, binds and protects an image. `bytes` are those of its file. An error is a
/// sentence for the log.
pub(crate) fn load(name: &str, bytes: &'static [u8], missing: Missing) -> Result<Image, String> {
    let file = PeFile64::parse(bytes).map_err(text)?;
    let headers = file.nt_headers();
    let optional = &headers.optional_header;
    let size = u64::from(optional.size_of_image.get(LE));
    let header_size = u64::from(optional.size_of_headers.get(LE));
    let entry = u64::from(optional.address_of_entry_point.get(LE));
    if headers.file_header.machine.get(LE) != IMAGE_FILE_MACHINE_AMD64 {
        return Err("not an image for x64".into());
    }
    if size > LARGEST || header_size > size.min(bytes.len() as u64) || entry >= size {
        return Err("the sizes in the headers are inconsistent".into());
    }
    let (functions, function_bytes) = file
        .data_directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION)
        .map_or((0, 0), ImageDataDirectory::address_range);
    if !is_inside(size, functions, function_bytes) {
        return Err("the exception directory lies outside of the image".into());
    }
    let sections = file.section_table();
    for section in sections.iter() {
        let (address, length) = section.pe_address_range();
        if !is_inside(size, address, length) || !u64::from(address).is_multiple_of(PAGE) {
            return Err("a section lies outside of the image, or not on a page".into());
        }
        section.pe_data(bytes).map_err(text)?;
    }

    let base = choose_base(size);
    let pages = size.div_ceil(PAGE);
    for page in 0..pages {
        frames::allocate()
            .and_then(|frame| {
                kernel_space::system().map(base + page * PAGE, frame, bits::KERNEL_DATA)
            })
            .ok_or("memory ran out")?;
    }
    let image = Image {
        name: images::keep_name(name),
        base,
        size: pages * PAGE,
        functions: base + u64::from(functions),
        function_count: u64::from(function_bytes) / 12,
        entry: base + entry,
        file: bytes,
    };
    raw::copy_in(&bytes[..header_size as usize], base);
    for section in sections.iter() {
        let data = section.pe_data(bytes).map_err(text)?;
        raw::copy_in(data, base + u64::from(section.virtual_address.get(LE)));
    }
    let bound =
        relocate(&file, base, size).and_then(|()| imports::bind(&file, base, size, name, missing));
    if let Err(error) = bound {
        unmap(&image);
        return Err(error);
    }
    for section in sections.iter() {
        if section.characteristics.get(LE) & IMAGE_SCN_MEM_EXECUTE != 0 {
            let start = base + u64::from(section.virtual_address.get(LE));
            hypervisor::replace(start, section.virtual_size.get(LE).into());
        }
    }
    protect(&file, base, pages);
    for section in sections
        .iter()
        .filter(|section| section.name.starts_with(PAGEABLE))
    {
        let (address, length) = section.pe_address_range();
        pageable::add(base + u64::from(address), u64::from(length).div_ceil(PAGE));
    }
    images::add(image);
    Ok(image)
}

fn is_inside(size: u64, address: u32, length: u32) -> bool {
    u64::from(address) + u64::from(length) <= size
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

/// Applies the base relocations. x64 uses only type 10.
fn relocate(file: &PeFile64<'_>, base: u64, size: u64) -> Result<(), String> {
    let delta = base.wrapping_sub(file.nt_headers().optional_header.image_base.get(LE));
    let directories = file.data_directories();
    let blocks = directories
        .relocation_blocks(file.data(), &file.section_table())
        .map_err(text)?;
    for block in blocks.into_iter().flatten() {
        for relocation in block.map_err(text)? {
            let target = u64::from(relocation.virtual_address);
            match relocation.typ {
                IMAGE_REL_BASED_ABSOLUTE => {}
                IMAGE_REL_BASED_DIR64 if target + 8 <= size => {
                    let value: u64 = raw::read(base + target);
                    raw::write(base + target, value.wrapping_add(delta));
                }
                _ => return Err("a relocation is of a type that x64 does not have".into()),
            }
        }
    }
    Ok(())
}

/// Makes the headers read-only and gives each section the access that its header names, none both
/// writable and executable.
fn protect(file: &PeFile64<'_>, base: u64, pages: u64) {
    let space = kernel_space::system();
    let mut flags = vec![bits::PRESENT | bits::NO_EXECUTE; pages as usize];
    for section in file.section_table().iter() {
        let (address, length) = section.pe_address_range();
        let first = (u64::from(address) / PAGE) as usize;
        let count = u64::from(length).div_ceil(PAGE) as usize;
        let characteristics = section.characteristics.get(LE);
        for flag in &mut flags[first..first + count] {
            if characteristics & IMAGE_SCN_MEM_EXECUTE != 0 {
                *flag &= !bits::NO_EXECUTE;
            } else if characteristics & IMAGE_SCN_MEM_WRITE != 0 {
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
    locks::forget(image.base..image.base + image.size);
    pageable::remove(image.base, image.size / PAGE);
    for address in (image.base..image.base + image.size).step_by(PAGE as usize) {
        let entry = kernel_space::system().unmap(address);
        frames::free(entry & bits::ADDRESS);
    }
}

/// Takes an image out of memory. Calls into it fault from then on.
pub(crate) fn unload(image: &Image) {
    images::remove(image.base);
    unmap(image);
}
