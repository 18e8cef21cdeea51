//! The matrix of accessors in ring 0: a driver in the lab runs the cases that a Windows program runs
//! under Wine, on real page tables and under SMAP.

#![forbid(unsafe_code)]

use std::{collections::BTreeMap, env, fs, time::Duration};

use accessor_matrix::{
    ALTERNATING, Change, DEVICE, Family, LAST_PAGE, Need, PAGE, PAGES, RACE, RACE_PAGES, RUN, Race,
    RaceResult, Request, State, Tally, UMACCESS_DEVICE, WDK_TYPES, pattern_byte, rewritten_content,
    state_of, used_up,
};
use ringcopy_client::{Handle, Transport};
use ringcopy_lab::{Interference, Lab, MachineFact, Options, PageState, Process};
use ringcopy_tests::{CheckedLab, artefact, boot_with};
use zerocopy::{FromBytes, IntoBytes};

const DRIVER: &str = "RINGCOPY_ACCESSOR_DRIVER";

/// The same driver with the feature `umaccess`, over a stand-in for `umaccess.lib`.
const UMACCESS_DRIVER: &str = "RINGCOPY_UMACCESS_DRIVER";

/// Names the file of the counts of the Windows program. The matrix's own test writes it.
const FIGURES: &str = "RINGCOPY_ACCESSOR_FIGURES";

/// Names the file for the counts of this test, in the same form.
const FIGURES_OF_RING_0: &str = "RINGCOPY_ACCESSOR_FIGURES_OF_RING_0";

/// A family is one request, and has some hundred thousand cases.
const PATIENCE: Duration = Duration::from_mins(10);

/// Families that call none of Microsoft's functions. The last also counts the accesses of each function.
const OF_THE_CRATE: [Family; 7] = [
    Family::KernelMode,
    Family::KernelFill,
    Family::Volatile,
    Family::Device,
    Family::Compare,
    Family::Raising,
    Family::Alternating,
];

/// A lab of two processors. With one, QEMU makes a locked operation from a load and a store, and the
/// load faults.
fn boot(driver: &str) -> CheckedLab {
    let options = Options {
        processors: 2,
        patience: PATIENCE,
        ..Options::new(artefact("RINGCOPY_LAB_KERNEL"), [artefact(driver)])
    };
    let lab = boot_with(options);
    let facts = lab.facts().unwrap();
    assert_eq!(facts.get(MachineFact::SupervisorProtection), 1);
    lab
}

/// A process with the driver's device open.
struct Caller<'l> {
    process: Process<'l>,
    device: Handle,
}

impl<'l> Caller<'l> {
    fn start(lab: &'l Lab, device: &str) -> Self {
        let mut process = lab.process(0).unwrap();
        let device = process.open_name(device, 3).unwrap();
        Self { process, device }
    }

    /// Sends a request, and returns its response.
    fn send<T: FromBytes>(&mut self, code: u32, number: u64, base: u64) -> T {
        let mut response = vec![0; size_of::<T>()];
        let request = Request { number, base };
        let length = self
            .process
            .device_io_control(self.device, code, request.as_bytes(), &mut response)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(length, response.len());
        T::read_from_bytes(&response).unwrap()
    }

    /// Fills pages with their pattern, whatever their state.
    fn pattern(&mut self, address: u64, pages: usize) {
        let start = usize::try_from(address).unwrap();
        let bytes: Vec<u8> = (start..start + pages * PAGE).map(pattern_byte).collect();
        self.process.write(address, &bytes).unwrap();
    }

    fn arrange(&mut self, base: u64, page: usize) {
        let state = match state_of(page) {
            State::Open => return,
            State::Unmapped => PageState::Unmapped,
            State::NoAccess => PageState::NoAccess,
            State::ReadOnly => PageState::ReadOnly,
            State::InPageError => PageState::InPageError,
            State::Guard => PageState::Guard,
            State::PagedOut => PageState::PagedOut,
            State::Alternating => PageState::Alternating,
        };
        let address = base + (page * PAGE) as u64;
        self.process.set_pages(address, PAGE as u64, state).unwrap();
    }

    /// All of an arena.
    fn arena(&mut self) -> u64 {
        let base = self.process.allocate((PAGES * PAGE) as u64).unwrap();
        self.pattern(base, PAGES);
        for page in 0..used_up().start {
            self.arrange(base, page);
        }
        let last = self.process.allocate_at(LAST_PAGE as u64, PAGE as u64);
        self.pattern(last.unwrap(), 1);
        base
    }

    /// An arena for a race.
    fn race(&mut self, change: Change) -> u64 {
        let base = self.process.allocate((RACE_PAGES * PAGE) as u64).unwrap();
        self.pattern(base, 2);
        let changing = base + PAGE as u64;
        let [first, _] = self.contents(changing);
        if change == Change::Rewrite {
            self.process.write(changing, &first).unwrap();
        }
        base
    }

    /// Writes the two contents that a page will hold in turn into the two pages after it.
    fn contents(&mut self, page: u64) -> [Vec<u8>; 2] {
        let address = usize::try_from(page).unwrap();
        let contents =
            [0, 1].map(|version| rewritten_content(address, version).collect::<Vec<u8>>());
        for (source, bytes) in (1..).zip(&contents) {
            self.process
                .write(page + source * PAGE as u64, bytes)
                .unwrap();
        }
        contents
    }

    /// The pages of an arena that a family may have used up.
    fn arrange_used_up(&mut self, base: u64) {
        let pages = used_up();
        self.pattern(base + (pages.start * PAGE) as u64, pages.len());
        let alternating = base + (ALTERNATING * PAGE) as u64;
        let [first, _] = self.contents(alternating);
        self.process.write(alternating, &first).unwrap();
        self.process
            .write(alternating - PAGE as u64, &[0; 8])
            .unwrap();
        for page in pages {
            self.arrange(base, page);
        }
    }
}

/// Cases of each family under Wine, whether they ran there or not.
fn figures(text: &str) -> BTreeMap<&str, u64> {
    text.lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let family = columns.next()?;
            let cases = columns.map(|column| column.parse::<u64>().unwrap()).sum();
            Some((family, cases))
        })
        .collect()
}

/// Runs families. Returns the number of cases of each, none of which was skipped.
fn run(
    mut caller: Caller<'_>,
    families: impl IntoIterator<Item = Family>,
) -> BTreeMap<&'static str, u64> {
    let base = caller.arena();
    let count = |family: Family| {
        caller.arrange_used_up(base);
        let tally: Tally = caller.send(RUN, family as u64, base);
        if let Some(failure) = tally.failure() {
            panic!("{}: {failure}", family.name());
        }
        for need in Need::ALL {
            let skipped = tally.skipped[need as usize];
            assert_eq!(skipped, 0, "{}: {}", family.name(), need.reason());
        }
        (family.name(), tally.ran)
    };
    families.into_iter().map(count).collect()
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_family_passes() {
    let lab = boot(DRIVER);
    let counted = run(Caller::start(&lab, DEVICE), Family::ALL.iter().copied());
    if let Some(file) = env::var_os(FIGURES_OF_RING_0) {
        let lines = counted
            .iter()
            .map(|(family, cases)| format!("{family}\t{cases}\n"));
        fs::write(file, lines.collect::<String>()).unwrap();
    }
    if let Some(file) = env::var_os(FIGURES) {
        let text = fs::read_to_string(file).unwrap();
        assert_eq!(figures(&text), counted, "under Wine, and in ring 0");
    }
}

/// The accesses do the same in ring 0, under SMAP, if they are Microsoft's functions under the guard. Only
/// the counts of faults are 0.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_access_is_guarded_with_umaccess() {
    let lab = boot(UMACCESS_DRIVER);
    let families = Family::ALL.iter().copied();
    let families = families.filter(|family| !OF_THE_CRATE.contains(family));
    let counted = run(Caller::start(&lab, UMACCESS_DEVICE), families);
    assert!(counted.values().all(|count| *count > 0), "{counted:?}");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_access_is_exact_while_its_page_changes() {
    let lab = boot(DRIVER);
    for (number, race) in (0..).zip(Race::ALL) {
        for change in race.changes() {
            let mut caller = Caller::start(&lab, DEVICE);
            let base = caller.race(*change);
            let interference = match change {
                Change::Unmap => Interference::Unmap,
                Change::WriteProtect => Interference::WriteProtect,
                Change::Rewrite => Interference::Alternate,
            };
            let page = base + PAGE as u64;
            let lab = caller.process.lab();
            lab.start_interference(Some(&caller.process), page, interference)
                .unwrap();
            let end: RaceResult = caller.send(RACE, number, base);
            let changes = lab.stop_interference().unwrap();
            let what = format!("{}, {change:?}, {changes} changes", race.name());
            if let Some(failure) = end.failure() {
                panic!("{what}: {failure}");
            }
            assert!(end.complete > 0 && end.stopped > 0, "{what}: {end:?}");
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn types_of_wdk_sys_are_read_and_written() {
    let lab = boot(DRIVER);
    let mut caller = Caller::start(&lab, DEVICE);
    let base = caller.process.allocate(PAGE as u64).unwrap();
    let numbers = [i64::MIN + 1, -2].map(i64::to_le_bytes).concat();
    caller.process.write(base, &numbers).unwrap();
    let members: [u64; 6] = caller.send(WDK_TYPES, 0, base);
    assert_eq!(members, [2, 4, base, 2, 4, base]);
    let mut written = [0; 16];
    caller.process.read(base + 16, &mut written).unwrap();
    assert_eq!(written[..], numbers);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn malformed_requests_are_refused() {
    let lab = boot(DRIVER);
    let mut caller = Caller::start(&lab, DEVICE);
    let mut refused = |code, request: &[u8]| {
        let sent = caller
            .process
            .device_io_control(caller.device, code, request, &mut [0; 1024]);
        assert!(sent.is_err(), "{code:#x}");
    };
    let request = |number| Request { number, base: 0 };
    refused(RUN, request(Family::ALL.len() as u64).as_bytes());
    refused(RACE, request(Race::ALL.len() as u64).as_bytes());
    refused(RUN, &request(0).as_bytes()[1..]);
    refused(WDK_TYPES + 4, request(0).as_bytes());
}
