//! The native engine's windows, as guests of the memory manager: each processor has its own, no
//! processor remembers what was mapped there once they are given back, and memory that the driver
//! maps uncached is not mapped a second time.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Device, DeviceCopy, OpenAccess, PAGE_LENGTH, Source, Transport,
    protocol::{
        Code, CopyFlags, CopyMemoryRequest, CopyResponse, EngineKind, Header, NtStatus, Reach,
        RequestKind,
    },
};
use ringcopy_lab::{Beside, Lab, Options, Process};
use ringcopy_tests::{
    PRIVILEGED, boot, boot_with, buffer, open, options, pattern, privileged, with_two_processors,
};
use zerocopy::{FromBytes, IntoBytes};

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn no_processor_remembers_pages_that_are_given_back() {
    for processors in [1, 2, 8] {
        let lab = boot_with(Options {
            processors,
            ..options(Reach::all())
        });
        for _ in 0..3 {
            let mut process = privileged(&lab);
            let mut target = [0; 64];
            let report = open(&mut process)
                .copy_memory(Source::Physical(0x10_0000), EngineKind::Native, &mut target)
                .unwrap();
            assert!(report.is_complete(), "{report:?}");
            drop(process);
            // The lab ends the run over a page that a processor may remember.
            assert_eq!(lab.unload().unwrap(), Vec::<String>::new());
            assert_eq!(lab.load().unwrap(), NtStatus::SUCCESS);
        }
    }
}

/// Bytes that a window shows at a time.
const SPAN: usize = 64 << 10;

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn each_processor_reads_through_a_window_of_its_own() {
    with_two_processors(Reach::all(), &[false], read_on_both_processors);
}

fn read_on_both_processors(lab: &Lab) {
    let mixed = lab.mixed_mappings().unwrap();
    let (block, bytes) = mixed.block();
    let mut one = privileged(lab);
    let mut other = one.another(PRIVILEGED).unwrap();
    let space = size_of::<CopyResponse>() + SPAN;
    let first = block.next_multiple_of(SPAN as u64);
    let sides = [(&mut one, first), (&mut other, first + SPAN as u64)].map(|(process, source)| {
        let request = CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address: source,
            length: SPAN as u64,
            flags: CopyFlags::PHYSICAL.bits(),
            engine: EngineKind::Native as u32,
        };
        let input = process.allocate(PAGE_LENGTH).unwrap();
        process.write(input, request.as_bytes()).unwrap();
        let output = process.allocate(space as u64).unwrap();
        let handle = process.open(OpenAccess::ReadWrite).unwrap();
        (handle, [(input, request.as_bytes().len()), (output, space)])
    });
    let buffers = sides.map(|(_, buffers)| {
        <(_, _)>::from(buffers.map(|(address, length)| buffer(address, length)))
    });
    let code = Code::of(RequestKind::CopyMemory).value;
    let beside = Beside::Other(&other, sides[1].0);
    let both = one
        .device_io_control_on_both(sides[0].0, code, buffers, 500, beside)
        .unwrap();
    for repeated in both {
        assert_eq!(repeated.status, NtStatus::SUCCESS);
        assert_eq!((repeated.different, repeated.sent), (0, 500));
    }
    for (number, process) in [&mut one, &mut other].into_iter().enumerate() {
        let mut output = vec![0; space];
        process
            .read(buffers[number].1.address, &mut output)
            .unwrap();
        let (response, found) = CopyResponse::read_from_prefix(&output).unwrap();
        assert_eq!(response.result.status, NtStatus::SUCCESS.0);
        let start = usize::try_from(first - block).unwrap() + number * SPAN;
        assert!(found == &bytes[start..start + SPAN], "other bytes");
    }
}

/// Where the driver's uncached page is: the page of RAM that begins with the bytes that are in the
/// device page, also after they changed.
fn device_page(lab: &Lab, device: &mut Device<'_, Process<'_>>) -> u64 {
    let mut write = |seed| {
        let bytes = pattern(seed, 64);
        let copy = DeviceCopy::To {
            offset: 0,
            bytes: &bytes,
        };
        assert!(device.device_copy(copy).unwrap().is_complete());
        bytes
    };
    let begins_with = |address, bytes: &[u8]| lab.read_physical(address, 64).unwrap() == bytes;
    let first = write(0xD1);
    let mut candidates = Vec::new();
    for range in lab.ram_ranges().unwrap() {
        let memory = lab.read_physical(range.base, range.length).unwrap();
        let pages = memory.chunks_exact(4096).enumerate();
        let found = pages.filter(|(_, page)| page.starts_with(&first));
        candidates.extend(found.map(|(number, _)| range.base + number as u64 * PAGE_LENGTH));
    }
    let second = write(0xD2);
    candidates.retain(|&address| begins_with(address, &second));
    let [address] = candidates[..] else {
        panic!("the device page is at one of {candidates:#x?}");
    };
    address
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn memory_that_the_driver_maps_uncached_is_left_to_the_system() {
    const BEFORE: u64 = 100;
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    let page = device_page(&lab, &mut device);
    let length = usize::try_from(BEFORE + PAGE_LENGTH + 50).unwrap();
    let expected = lab.read_physical(page - BEFORE, length as u64).unwrap();

    let mut target = vec![0; length];
    let source = Source::Physical(page - BEFORE);
    let report = device
        .copy_memory(source, EngineKind::Native, &mut target)
        .unwrap();
    assert_eq!(report.result.status(), NtStatus::INVALID_PAGE_PROTECTION);
    assert_eq!(
        (report.result.copied, report.result.stop_address()),
        (BEFORE, Some(page))
    );
    assert_eq!(report.result.hole_length, 0);
    let (before, rest) = target.split_at(100);
    assert!(before == &expected[..100] && rest.iter().all(|&byte| byte == 0));

    let inside = Source::Physical(page + 8);
    let report = device
        .copy_memory(inside, EngineKind::Native, &mut [0; 8])
        .unwrap();
    assert_eq!(report.result.status(), NtStatus::INVALID_PAGE_PROTECTION);
    assert_eq!(
        (report.result.copied, report.result.stop_address()),
        (0, Some(page + 8))
    );

    let report = device
        .copy_memory(source, EngineKind::Auto, &mut target)
        .unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(
        (report.result.engine(), report.result.fell_back()),
        (EngineKind::System, true)
    );
    assert!(target == expected);

    // What follows the page is the native engine's again.
    let source = Source::Physical(page + PAGE_LENGTH);
    let mut target = vec![0; 50];
    let report = device
        .copy_memory(source, EngineKind::Native, &mut target)
        .unwrap();
    assert!(report.is_complete(), "{report:?}");
}
