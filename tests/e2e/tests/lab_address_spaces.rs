//! Several processes with memory at the same addresses: a request reads and writes the memory of the
//! process that sent it.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CallerCopy, OpenAccess, PAGE_LENGTH, Source, Transport,
    protocol::{
        Code, CopyFlags, CopyMemoryRequest, EngineKind, Header, NtStatus, Reach, RequestKind,
    },
};
use ringcopy_lab::{Caller, Lab, PageState, Process};
use ringcopy_tests::{
    PRIVILEGED, buffer, completion, open, pattern, privileged, with_two_processors,
};
use zerocopy::IntoBytes;

/// All of them have memory here.
const ADDRESS: u64 = 0x7700_0000_0000;
const LENGTH: u64 = 3 * PAGE_LENGTH;

/// Runs `stage` in labs with four and with five levels of page tables.
fn with_processes(stage: impl Fn(&Lab, Vec<Process<'_>>)) {
    with_two_processors(Reach::all(), &[false, true], |lab| {
        let first = privileged(lab);
        let mut processes: Vec<_> = (0..3).map(|_| first.another(PRIVILEGED).unwrap()).collect();
        processes.push(first);
        for (process, seed) in processes.iter_mut().zip(0..) {
            let address = process.allocate_at(ADDRESS, LENGTH).unwrap();
            assert_eq!(address, ADDRESS);
            process.write(ADDRESS, &bytes_of(seed)).unwrap();
        }
        stage(lab, processes);
    });
}

/// The bytes in the memory of a process.
fn bytes_of(seed: u64) -> Vec<u8> {
    pattern(seed, usize::try_from(LENGTH).unwrap())
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn each_request_is_about_its_own_process() {
    with_processes(|lab, mut processes| {
        let [mut frames, mut again] = [Vec::new(), Vec::new()];
        for round in 0..3 {
            for (process, seed) in processes.iter_mut().zip(0..) {
                let expected = bytes_of(seed);
                let physical = process.physical_address(ADDRESS).unwrap().unwrap();
                if round == 0 {
                    frames.push(physical);
                } else {
                    again.push(physical);
                }
                let mut device = open(process);
                let mut found = vec![0; expected.len()];
                for engine in [EngineKind::Native, EngineKind::System] {
                    found.fill(0);
                    let source = Source::Virtual(ADDRESS);
                    let report = device.copy_memory(source, engine, &mut found).unwrap();
                    assert!(report.is_complete(), "{report:?}");
                    assert_eq!(found, expected);
                }
                let copy = CallerCopy::new(ADDRESS, LENGTH);
                assert!(device.copy_from(copy).unwrap().is_complete());
                let there = device.information().unwrap().session_address;
                assert_eq!(lab.read_system(there, LENGTH).unwrap(), expected);
                drop(device);
                // `MmCopyMemory` without the driver, in the context of the process.
                let direct = process.mm_copy_memory(2, ADDRESS, LENGTH).unwrap();
                assert_eq!(direct.status, NtStatus::SUCCESS);
                assert_eq!(direct.target, expected);
            }
        }
        frames.sort_unstable();
        frames.dedup();
        assert_eq!(frames.len(), processes.len(), "two processes share a frame");
        assert!(again.iter().all(|frame| frames.contains(frame)));
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_page_that_one_process_lacks_is_there_for_the_others() {
    with_processes(|_, mut processes| {
        let lacking = processes.last_mut().unwrap();
        lacking
            .set_pages(ADDRESS + PAGE_LENGTH, PAGE_LENGTH, PageState::Unmapped)
            .unwrap();
        let last = processes.len() - 1;
        for (number, process) in processes.iter_mut().enumerate() {
            let mut device = open(process);
            let mut found = vec![0; usize::try_from(LENGTH).unwrap()];
            let source = Source::Virtual(ADDRESS);
            let report = device
                .copy_memory(source, EngineKind::Native, &mut found)
                .unwrap();
            let expected = if number == last { PAGE_LENGTH } else { LENGTH };
            assert_eq!(report.result.copied, expected);
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_handle_is_invalid_in_another_process() {
    with_processes(|_, mut processes| {
        let handle = processes[0].open(OpenAccess::ReadWrite).unwrap();
        let request = CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address: ADDRESS,
            length: 8,
            flags: CopyFlags::VIRTUAL.bits(),
            engine: EngineKind::Auto as u32,
        };
        let code = Code::of(RequestKind::CopyMemory).value;
        let mut output = vec![0; 256];
        let (_, others) = processes.split_first_mut().unwrap();
        for process in others {
            let sent = process.device_io_control(handle, code, request.as_bytes(), &mut output);
            assert_eq!(completion(sent), Err(NtStatus::INVALID_HANDLE));
            let nothing = buffer(0, 0);
            let kernel = Caller::Kernel.into();
            let sent = process.device_io_control_sent(kernel, handle, code, nothing, nothing);
            assert_eq!(completion(sent), Err(NtStatus::INVALID_HANDLE));
        }
    });
}
