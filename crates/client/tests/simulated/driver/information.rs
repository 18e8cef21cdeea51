//! What the simulated driver reports about itself and about RAM.

use ringcopy_client::PAGE_LENGTH;
use ringcopy_client::protocol::{
    DEVICE_PAGE_LENGTH, Header, InformationResponse, MAXIMUM_ENTRIES, MAXIMUM_LENGTH, MemoryRange,
    MemoryRangesResponse, NtStatus, SESSION_LENGTH, validate::MemoryRanges,
};
use zerocopy::IntoBytes;

use super::{
    SimulatedDriver,
    memory::{SESSION, SESSION_PHYSICAL, USER_LIMIT},
};

impl SimulatedDriver {
    pub(super) fn information(&self) -> Vec<u8> {
        InformationResponse {
            header: Header::of::<InformationResponse>(),
            driver_version: [0, 1, 0],
            policy: self.policy.bits(),
            reach: self.reach.bits(),
            native_status: self.native_status.0,
            paging_levels: 4,
            smap: 1,
            session_address: if self.privileged { SESSION } else { 0 },
            session_physical_addresses: std::array::from_fn(|page| {
                let address = SESSION_PHYSICAL + page as u64 * PAGE_LENGTH;
                if self.privileged { address } else { 0 }
            }),
            session_length: SESSION_LENGTH,
            user_limit: USER_LIMIT,
            maximum_length: MAXIMUM_LENGTH,
            device_page_length: DEVICE_PAGE_LENGTH,
            kernel_mode: 0,
            maximum_entries: MAXIMUM_ENTRIES,
            physical_address_bits: 40,
            maximum_handles: 256,
            native_under_hypervisor: 0,
        }
        .as_bytes()
        .to_vec()
    }

    pub(super) fn memory_ranges(&self, request: MemoryRanges) -> Result<Vec<u8>, NtStatus> {
        if self.ranges_status != NtStatus::SUCCESS {
            return Err(self.ranges_status);
        }
        let page = &self.ranges[request.of(self.ranges.len())];
        let mut output = MemoryRangesResponse {
            header: Header::of::<MemoryRangesResponse>(),
            count: page.len() as u32,
            total: self.ranges.len() as u32,
        }
        .as_bytes()
        .to_vec();
        for &(base, length) in page {
            output.extend_from_slice(MemoryRange { base, length }.as_bytes());
        }
        Ok(output)
    }
}
