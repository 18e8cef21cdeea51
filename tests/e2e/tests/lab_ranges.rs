//! The list of RAM ranges that the driver returns.

#![forbid(unsafe_code)]

use ringcopy_client::protocol::{
    Code, Header, MemoryRange, MemoryRangesRequest, MemoryRangesResponse, NtStatus, Reach,
    RequestKind,
};
use ringcopy_tests::{UNTOUCHED, Victim, with_victim};
use zerocopy::{FromBytes, IntoBytes};

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_list_is_that_of_the_system_from_any_index_on() {
    with_victim(Reach::empty(), |victim| {
        let mut expected: Vec<(u64, u64)> = Vec::new();
        for range in victim.process.lab().ram_ranges().unwrap() {
            match expected.last_mut() {
                Some((base, length)) if *base + *length == range.base => *length += range.length,
                _ => expected.push((range.base, range.length)),
            }
        }
        let total = expected.len();
        let list = |victim: &mut Victim<'_>, first: usize, length: usize| {
            let request = MemoryRangesRequest {
                header: Header::of::<MemoryRangesRequest>(),
                first: u32::try_from(first).unwrap_or(u32::MAX),
                reserved: 0,
            };
            let mut output = vec![UNTOUCHED; length];
            let kind = RequestKind::MemoryRanges;
            let sent = victim.send(kind, request.as_bytes(), &mut output);
            let (response, rest) = MemoryRangesResponse::read_from_prefix(&output).unwrap();
            let count = response.count as usize;
            let returned = size_of::<MemoryRangesResponse>() + count * size_of::<MemoryRange>();
            assert_eq!(sent, Ok(returned));
            assert_eq!(response.total as usize, total);
            assert!(output[returned..].iter().all(|&byte| byte == UNTOUCHED));
            let (ranges, _) = <[MemoryRange]>::ref_from_prefix_with_elems(rest, count).unwrap();
            ranges
                .iter()
                .map(|range| (range.base, range.length))
                .collect::<Vec<_>>()
        };
        for first in [0, 1, total - 1, total, total + 1, usize::MAX] {
            let expected = &expected[first.min(total)..];
            for ranges in [0, 1, 2, total, total + 3] {
                for ragged in [0, 1, 15] {
                    let found = list(victim, first, 16 + ranges * 16 + ragged);
                    let expected = &expected[..expected.len().min(ranges)];
                    assert_eq!(found, expected, "{first}, {ranges}");
                }
            }
        }
        let request = MemoryRangesRequest {
            header: Header::of::<MemoryRangesRequest>(),
            first: 0,
            reserved: 1,
        };
        let code = Code::of(RequestKind::MemoryRanges).value;
        let status = NtStatus::INVALID_PARAMETER;
        victim.assert_refused(&"reserved", code, request.as_bytes(), 64, status);
    });
}
