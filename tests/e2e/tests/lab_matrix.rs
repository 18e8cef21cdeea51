//! A matrix of copies, in ring 0: each length and misalignment, stopped at the first bytes, in the
//! middle and at the last byte, by the source and by the destination, for each state of a page that
//! stops it. The count is exact to the byte, and no byte after it is written.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CopyThrough, Device, PAGE_LENGTH, Transport,
    protocol::{Direction, NtStatus, Reach},
};
use ringcopy_lab::{PageState, Process};
use ringcopy_tests::{UNTOUCHED, boot, open, pattern, privileged, report};

/// All lengths up to here, where the guarded routines change their method; then powers of two.
const ALL_UP_TO: u64 = 260;
const LONGER: [u64; 9] = [511, 512, 513, 1023, 1024, 1025, 2047, 4095, 4096];

/// Pages on either side of the edge at which copies stop.
const PAGES: u64 = 2;

/// A range of the process whose second half can be taken away.
struct Side {
    start: u64,
    edge: u64,
}

impl Side {
    fn allocate(process: &mut Process<'_>) -> Self {
        let start = process.allocate(2 * PAGES * PAGE_LENGTH).unwrap();
        Self {
            start,
            edge: start + PAGES * PAGE_LENGTH,
        }
    }

    fn close(&self, process: &mut Process<'_>, state: PageState) {
        process
            .set_pages(self.edge, PAGES * PAGE_LENGTH, state)
            .unwrap();
    }
}

struct Matrix<'p, 'l> {
    device: Device<'p, Process<'l>>,
    source: Side,
    destination: Side,
    bytes: Vec<u8>,
    cases: u32,
}

impl Matrix<'_, '_> {
    /// Copies `length` bytes between two addresses, which must end as `expected` says.
    fn copy(&mut self, (source, destination): (u64, u64), length: u64, expected: &Expected) {
        self.cases += 1;
        let what = format!("{length} bytes from {source:#x} to {destination:#x}");
        // The destination can be read up to its edge.
        let seen = usize::try_from((length + 32).min(self.destination.edge - destination)).unwrap();
        self.device
            .transport()
            .write(destination, &vec![UNTOUCHED; seen])
            .unwrap();
        let copy = CopyThrough {
            source,
            destination,
            length,
            alignment: 1,
        };
        let report = self.device.copy_through(copy).unwrap();
        assert_eq!(report.result.status(), expected.status, "{what}");
        assert_eq!(report.result.copied, expected.copied, "{what}");
        assert_eq!(report.result.direction(), expected.direction, "{what}");
        assert_eq!(report.result.stop_address(), expected.address, "{what}");

        let mut after = vec![0; seen];
        self.device
            .transport()
            .read(destination, &mut after)
            .unwrap();
        let from = usize::try_from(source - self.source.start).unwrap();
        let copied = usize::try_from(expected.copied).unwrap().min(seen);
        assert_eq!(after[..copied], self.bytes[from..from + copied], "{what}");
        assert!(
            after[copied..].iter().all(|&byte| byte == UNTOUCHED),
            "{what}: beyond"
        );
    }
}

struct Expected {
    status: NtStatus,
    copied: u64,
    direction: Direction,
    address: Option<u64>,
}

impl Expected {
    const fn complete(length: u64) -> Self {
        Self {
            status: NtStatus::SUCCESS,
            copied: length,
            direction: Direction::None,
            address: None,
        }
    }

    const fn stopped(copied: u64, direction: Direction, address: u64) -> Self {
        Self {
            status: NtStatus::ACCESS_VIOLATION,
            copied,
            direction,
            address: Some(address),
        }
    }
}

fn lengths() -> impl Iterator<Item = u64> {
    (0..=ALL_UP_TO).chain(LONGER)
}

/// Bytes before the edge, for a copy of `length`: none, one, half, and all except one.
fn stops(length: u64) -> impl Iterator<Item = u64> {
    let mut stops = vec![0, 1, length / 2, length.saturating_sub(1)];
    stops.retain(|&stop| stop < length);
    stops.dedup();
    stops.into_iter()
}

fn with_matrix(run: impl FnOnce(&mut Matrix<'_, '_>)) {
    let lab = boot(Reach::empty());
    let mut process = privileged(&lab);
    let source = Side::allocate(&mut process);
    let destination = Side::allocate(&mut process);
    let bytes = pattern(7, usize::try_from(2 * PAGES * PAGE_LENGTH).unwrap());
    process.write(source.start, &bytes).unwrap();
    let mut matrix = Matrix {
        device: open(&mut process),
        source,
        destination,
        bytes,
        cases: 0,
    };
    run(&mut matrix);
    report(&format!("{} copies", matrix.cases));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn whole_copies_at_every_misalignment() {
    with_matrix(|matrix| {
        let (source, destination) = (matrix.source.start, matrix.destination.start);
        for length in lengths() {
            for misalignment in 0..16 {
                // Over the lengths, each misalignment of the one side meets each of the other.
                let to = destination + (misalignment + length) % 16;
                let expected = Expected::complete(length);
                matrix.copy((source + misalignment, to), length, &expected);
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn reads_that_stop_at_every_byte_before_an_edge() {
    with_matrix(|matrix| {
        let (edge, destination) = (matrix.source.edge, matrix.destination.start);
        for state in [PageState::NoAccess, PageState::Unmapped] {
            matrix.source.close(matrix.device.transport(), state);
            for length in lengths() {
                for stop in stops(length) {
                    let expected = Expected::stopped(stop, Direction::Read, edge);
                    let to = destination + (length + stop) % 16;
                    matrix.copy((edge - stop, to), length, &expected);
                }
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn writes_that_stop_at_every_byte_before_an_edge() {
    with_matrix(|matrix| {
        let (source, edge) = (matrix.source.start, matrix.destination.edge);
        for state in [
            PageState::ReadOnly,
            PageState::NoAccess,
            PageState::Unmapped,
        ] {
            matrix.destination.close(matrix.device.transport(), state);
            for length in lengths() {
                for stop in stops(length) {
                    let expected = Expected::stopped(stop, Direction::Write, edge);
                    let from = source + (length + stop) % 16;
                    matrix.copy((from, edge - stop), length, &expected);
                }
            }
        }
    });
}
