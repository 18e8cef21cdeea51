//! The data of the boot loader: command line, memory map, and the archive of images.
//!
//! Source: "x86/HVM direct boot ABI", Xen documentation: `hvm_start_info` and its tables.

use alloc::string::String;
use core::arch::global_asm;

use ringcopy_lab_mailbox::archive::{self, Entry, Header};
use ringcopy_lab_mailbox::{DATA_LENGTH, DATA_OFFSET, PHYSICAL_ADDRESS};
use zerocopy::FromBytes;

use crate::memory::ranges::{HOLE, Range};
use crate::memory::{PAGE, frames, kernel_space, layout, page_of, phys, ranges};
use crate::{options, random, raw};

global_asm!(include_str!("boot.s"));

const MAGIC: u32 = 0x336E_C578;
const USABLE: u32 = 1;
const COMMAND_LINE_LIMIT: usize = 4096;
/// The most entries of the firmware's map that are used.
const MAP_LIMIT: usize = 32;

/// Memory of the boot loader's tables and of the second processor's first instructions.
const LOW: Range = Range {
    start: 0,
    end: 1 << 20,
};

/// The memory that the host and the kernel share.
const MAILBOX: Range = Range {
    start: PHYSICAL_ADDRESS,
    end: PHYSICAL_ADDRESS + DATA_OFFSET + DATA_LENGTH,
};

/// The archive of images, whose memory is never allocated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archive(&'static [u8]);

/// One file of the archive.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: &'static [u8],
}

/// Reads the boot loader's data and returns the archive. The heap works from here on.
pub(crate) fn take_over(start_info: u64) -> Archive {
    assert_eq!(phys::read::<u32>(start_info), MAGIC, "not booted by PVH");
    let modules: u32 = phys::read(start_info + 12);
    let (archive, archive_length) = if modules == 0 {
        (0, 0)
    } else {
        let list = phys::read(start_info + 16);
        (phys::read(list), phys::read(list + 8))
    };

    let (mut usable, mut kept) = ([(0, 0); MAP_LIMIT], [(0, 0); MAP_LIMIT]);
    let (map, entries): (u64, u32) = (phys::read(start_info + 40), phys::read(start_info + 48));
    let (mut count, mut kept_count) = (0, 0);
    for entry in (0..u64::from(entries)).map(|number| map + number * 24) {
        let is_usable = phys::read::<u32>(entry + 16) == USABLE;
        let (list, count) = if is_usable {
            (&mut usable, &mut count)
        } else {
            (&mut kept, &mut kept_count)
        };
        if let Some(place) = list.get_mut(*count) {
            *place = (phys::read(entry), phys::read(entry + 8));
            *count += 1;
        }
    }

    // The heap's first memory: the space between the kernel's image and the mailbox.
    let first = Range {
        start: kernel_space::image_end(),
        end: MAILBOX.start,
    };
    assert!(
        usable[..count]
            .iter()
            .any(|&(start, length)| start <= LOW.end && MAILBOX.end <= start + length),
        "no memory for the kernel"
    );
    frames::add(first);

    let line = phys::read(start_info + 24);
    if line != 0 {
        options::parse(&raw::c_string(phys::linear(line), COMMAND_LINE_LIMIT));
    }
    random::seed(options::get().seed);

    ranges::set(&usable[..count], &[MAILBOX, HOLE]);
    ranges::set_firmware(&kept[..kept_count]);
    let image = Range {
        start: LOW.end,
        end: MAILBOX.start,
    };
    let modules = Range {
        start: page_of(archive),
        end: (archive + archive_length).next_multiple_of(PAGE),
    };
    for range in ranges::all() {
        assert!(
            range.end <= layout::LINEAR_LENGTH,
            "more memory than the lab maps: give the machine 1 GiB at most"
        );
        add_without(range, &[LOW, image, modules]);
    }
    Archive(raw::constant(phys::linear(archive), archive_length))
}

/// Gives a range to the frame allocator, except the ranges that are in use.
fn add_without(range: Range, taken: &[Range]) {
    let mut start = range.start;
    while start < range.end {
        if let Some(inside) = taken.iter().find(|taken| taken.contains(start)) {
            start = inside.end;
            continue;
        }
        let end = taken
            .iter()
            .map(|taken| taken.start)
            .filter(|&next| next > start)
            .fold(range.end, u64::min);
        frames::add(Range { start, end });
        start = end;
    }
}

impl Archive {
    /// Returns the files, in order.
    pub(crate) fn files(self) -> impl Iterator<Item = File> {
        let (count, entries) =
            Header::read_from_prefix(self.0).map_or((0, &[][..]), |(header, _)| {
                assert_eq!(
                    header.magic,
                    archive::MAGIC,
                    "the initrd is not an archive of images"
                );
                (header.count, &self.0[size_of::<Header>()..])
            });
        entries
            .chunks_exact(size_of::<Entry>())
            .take(count as usize)
            .filter_map(|entry| Entry::read_from_bytes(entry).ok())
            .map(move |entry| {
                let bytes = self.0.get(entry.offset as usize..);
                let bytes = bytes.and_then(|bytes| bytes.get(..entry.length as usize));
                let name = entry
                    .name
                    .split(|&byte| byte == 0)
                    .next()
                    .unwrap_or_default();
                File {
                    name: String::from_utf8_lossy(name).into_owned(),
                    bytes: bytes.expect("a file of the archive is cut off"),
                }
            })
    }

    /// Returns the file with a name, regardless of case.
    pub(crate) fn find(self, name: &str) -> Option<File> {
        self.files()
            .find(|file| file.name.eq_ignore_ascii_case(name))
    }

    /// Returns the first file with another name than `library`.
    pub(crate) fn first_but(self, library: &str) -> Option<File> {
        self.files()
            .find(|file| !file.name.eq_ignore_ascii_case(library))
    }
}
