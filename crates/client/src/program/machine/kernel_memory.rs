//! Where the kernel's memory lies, from what Windows reports.

use ringcopy_protocol::MemoryRange;

use super::KernelMemory;

/// The number of the information class that lists large allocations of pool. Microsoft documents neither
/// it nor its structure; public headers of System Informer and others agree on both. It is used for
/// choosing addresses alone: the driver checks each of them.
pub(super) const BIG_POOL: i32 = 66;

/// The bytes of an image that are taken, from its base on. The sizes of images are not reported.
const IMAGE_BYTES: u64 = 2 << 20;

/// The same for images of a session, which can be smaller.
const SESSION_IMAGE_BYTES: u64 = 256 << 10;

/// Returns the images of one kind among all images of the kernel, each with its base and its name.
pub(super) fn images(kind: KernelMemory, images: &[(u64, String)]) -> Vec<MemoryRange> {
    images
        .iter()
        .filter_map(|(base, name)| {
            let name = name.to_lowercase();
            let length = match kind {
                KernelMemory::Image if name == "ntoskrnl.exe" => IMAGE_BYTES,
                KernelMemory::SessionSpace if name.starts_with("win32k") => SESSION_IMAGE_BYTES,
                _ => return None,
            };
            // Windows reports bases of 0 to callers that may not know them.
            (*base != 0).then_some(MemoryRange {
                base: *base,
                length,
            })
        })
        .collect()
}

/// Returns the allocations of paged pool in a list of large allocations: a count, then three words for
/// each allocation. The first is the address, whose lowest bit says that the pool is not paged, the second
/// the length.
pub(super) fn paged_pool(words: &[u64]) -> Vec<MemoryRange> {
    let Some((count, entries)) = words.split_first() else {
        return Vec::new();
    };
    // The count has 32 bits; what is above them is padding.
    let count = usize::try_from(count & 0xFFFF_FFFF).unwrap_or(usize::MAX);
    entries
        .chunks_exact(3)
        .take(count)
        .filter_map(|entry| match *entry {
            [address, length, _] if address != 0 && address & 1 == 0 && length != 0 => {
                Some(MemoryRange {
                    base: address,
                    length,
                })
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_by_name() {
        let all = [
            (0xFFFF_F800_0000_0000, "ntoskrnl.exe".to_owned()),
            (0xFFFF_F801_0000_0000, "hal.dll".to_owned()),
            (0xFFFF_9000_0000_0000, "win32kbase.sys".to_owned()),
            (0, "Win32kFull.sys".to_owned()),
        ];
        let base = |kind| images(kind, &all).first().map(|range| range.base);
        assert_eq!(base(KernelMemory::Image), Some(0xFFFF_F800_0000_0000));
        assert_eq!(
            base(KernelMemory::SessionSpace),
            Some(0xFFFF_9000_0000_0000)
        );
        assert_eq!(images(KernelMemory::SessionSpace, &all).len(), 1);
        assert_eq!(images(KernelMemory::PagedPool, &all), []);
    }

    #[test]
    fn paged_pool_is_told_from_the_other_and_a_short_list_is_read_as_far_as_it_goes() {
        let words = [
            0xAAAA_AAAA_0000_0003,
            0xFFFF_8000_0000_1001,
            4096,
            0,
            0xFFFF_8000_0000_2000,
            8192,
            0,
            0xFFFF_8000_0000_9000,
        ];
        let expected = [MemoryRange {
            base: 0xFFFF_8000_0000_2000,
            length: 8192,
        }];
        assert_eq!(paged_pool(&words), expected);
        assert_eq!(paged_pool(&words[..1]), []);
        assert_eq!(paged_pool(&[]), []);
    }
}
