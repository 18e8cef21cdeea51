//! What a request has to come to: its status, its information, and every byte of its output.

use std::{mem::offset_of, ops::Range};

use ringcopy_client::protocol::{CopyResponse, CopyResult, Direction, NtStatus, validate};
use ringcopy_lab::UNTOUCHED;
use zerocopy::{FromBytes, IntoBytes};

use super::{
    model::{Model, batch_response},
    source::{Copied, Hole},
};

/// What has to come back.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) status: NtStatus,
    /// Bytes that a request returns that is carried out.
    pub(super) returned: usize,
    /// The whole output buffer, [`UNTOUCHED`] where nothing is written.
    output: Vec<u8>,
    places: Vec<Place>,
    /// How many entries the response is about, if it is about any.
    count: Option<u32>,
    /// Parts of the output whose bytes the model does not know.
    unknown: Vec<Range<usize>>,
    /// Nothing is known of the outcome.
    pub(super) anything: bool,
}

/// A result in the output.
#[derive(Clone, Debug)]
struct Place {
    /// The entry that it is of; `None` for the one result of a request that has no entries.
    entry: Option<usize>,
    asked: usize,
    /// Less the length of the hole.
    result: CopyResult,
    hole: Hole,
    loose: bool,
    any_engine: bool,
    cancelled: bool,
    /// Where in the output the bytes go, if they go there.
    slot: Option<usize>,
}

impl Expected {
    fn new(status: NtStatus, output: usize) -> Self {
        Self {
            status,
            returned: 0,
            output: vec![UNTOUCHED; output],
            places: Vec::new(),
            count: None,
            unknown: Vec::new(),
            anything: false,
        }
    }

    /// A request that fails as a whole.
    pub(super) fn refused(status: NtStatus, output: usize) -> Self {
        Self::new(status, output)
    }

    /// A response of these bytes.
    pub(super) fn of(output: usize, response: &[u8]) -> Self {
        let mut expected = Self::new(NtStatus::SUCCESS, output);
        expected.output[..response.len()].copy_from_slice(response);
        expected.returned = response.len();
        expected
    }

    /// A response about one copy of `asked` bytes, followed by the bytes or not.
    pub(super) fn transfer(output: usize, asked: usize, copied: &Copied, bytes: bool) -> Self {
        let start = size_of::<CopyResponse>();
        let response = CopyResponse::of(asked as u64, copied.result);
        let mut expected = Self::of(output, response.as_bytes());
        if bytes {
            expected.returned += copied.bytes.len();
        }
        expected.add(None, asked, copied, bytes.then_some(start));
        expected
    }

    /// A response about the copies of entries.
    pub(super) fn entries(output: usize, count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let expected = Self::of(output, batch_response(count, 0, 0).as_bytes());
        Self {
            count: Some(count),
            ..expected
        }
    }

    /// Adds the result of the entry with this number, and the bytes that arrive in the output.
    pub(super) fn entry(
        &mut self,
        number: usize,
        asked: usize,
        copied: &Copied,
        slot: Option<usize>,
    ) {
        self.put_result(Some(number), &copied.result);
        self.add(Some(number), asked, copied, slot);
    }

    fn add(&mut self, entry: Option<usize>, asked: usize, copied: &Copied, slot: Option<usize>) {
        if let Some(start) = slot {
            self.output[start..start + copied.bytes.len()].copy_from_slice(&copied.bytes);
            let unknown = copied.unknown.iter();
            self.unknown
                .extend(unknown.map(|range| range.start + start..range.end + start));
        }
        self.places.push(Place {
            entry,
            asked,
            result: copied.result,
            hole: copied.hole,
            loose: copied.loose,
            any_engine: copied.any_engine,
            cancelled: copied.cancelled,
            slot,
        });
    }

    /// Why the response may be one of several, for the summary.
    pub(super) fn looseness(&self) -> Option<&'static str> {
        if self.anything {
            Some("responses that may be anything")
        } else if !self.is_certain() {
            Some("responses with stops or bytes that may be others")
        } else if self.places.iter().any(|place| place.any_engine) {
            Some("responses by either engine")
        } else {
            None
        }
    }

    /// Whether every byte is known before it comes back.
    pub(super) fn is_certain(&self) -> bool {
        !self.anything && self.unknown.is_empty() && !self.places.iter().any(|place| place.loose)
    }

    /// Holds what came back against this. Gives a sentence of what differs.
    ///
    /// What the model does not know is taken from what came back, within its limits.
    pub(super) fn check(
        mut self,
        model: &Model,
        status: NtStatus,
        returned: usize,
        output: &[u8],
    ) -> Result<(), String> {
        if self.anything {
            return Ok(());
        }
        if status != self.status {
            return Err(format!("{status} came, {} was allowed", self.status));
        }
        if status == NtStatus::SUCCESS {
            for place in std::mem::take(&mut self.places) {
                self.take_over(model, &place, output)?;
            }
            self.sum_up(output);
        }
        if returned != self.returned {
            return Err(format!(
                "{returned} bytes were returned, {} were allowed",
                self.returned
            ));
        }
        for range in &self.unknown {
            self.output[range.clone()].copy_from_slice(&output[range.clone()]);
        }
        if self.output == output {
            return Ok(());
        }
        Err(self.difference(output))
    }

    /// Takes what is not known from a result that came back.
    fn take_over(&mut self, model: &Model, place: &Place, output: &[u8]) -> Result<(), String> {
        let came = result_at(place.entry, output);
        let mut allowed = if place.loose {
            self.take_over_loose(place, &came)?;
            came
        } else {
            place.result
        };
        if place.any_engine {
            allowed.engine = came.engine;
            allowed.flags = came.flags;
        }
        if came.hole_length > 0 {
            let first = came.address;
            let readable = match place.hole {
                Hole::None => true,
                Hole::Physical => model.system.any_ram(first, came.hole_length),
                Hole::System { brings_in, moment } => {
                    model.is_any_readable(first, came.hole_length, brings_in, moment)
                }
            };
            if readable {
                return Err(format!(
                    "a hole of {:#x} bytes at {first:#x} came, which holds what can be read",
                    came.hole_length
                ));
            }
            allowed.hole_length = came.hole_length;
        }
        if came == allowed {
            self.put_result(place.entry, &allowed);
            return Ok(());
        }
        Err(format!("{came:X?} came, {allowed:X?} was allowed"))
    }

    /// A copy that came to memory which the model does not know: it may have stopped anywhere.
    fn take_over_loose(&mut self, place: &Place, came: &CopyResult) -> Result<(), String> {
        let copied = usize::try_from(came.copied).unwrap_or(usize::MAX);
        let complete = came.status == NtStatus::SUCCESS.0;
        let known = usize::try_from(place.result.copied).unwrap_or_default();
        let of_source = [NtStatus::INVALID_ADDRESS.0, NtStatus::IN_PAGE_ERROR.0];
        let of_target = [
            NtStatus::ACCESS_VIOLATION.0,
            NtStatus::GUARD_PAGE_VIOLATION.0,
            NtStatus::IN_PAGE_ERROR.0,
        ];
        let stopped = match Direction::from_wire(came.direction) {
            Some(Direction::Read) => of_source.contains(&came.status),
            // A scatter writes to the caller's memory.
            Some(Direction::Write) => place.slot.is_none() && of_target.contains(&came.status),
            _ => false,
        };
        let stopped = stopped || place.cancelled && came.status == NtStatus::CANCELLED.0;
        let right = (known..=place.asked).contains(&copied)
            && complete == (copied == place.asked)
            && (complete || stopped);
        if !right {
            return Err(format!("{came:X?} came of unknown memory"));
        }
        if let Some(start) = place.slot {
            self.unknown.push(start + known..start + copied);
            if place.entry.is_none() {
                self.returned += copied - known;
            }
        }
        Ok(())
    }

    fn put_result(&mut self, entry: Option<usize>, result: &CopyResult) {
        let start = place_of(entry);
        self.output[start..start + size_of::<CopyResult>()].copy_from_slice(result.as_bytes());
    }

    /// The fixed part of a response about entries follows from their results.
    fn sum_up(&mut self, output: &[u8]) {
        let Some(count) = self.count else {
            return;
        };
        let results = (0..count as usize).map(|number| result_at(Some(number), output));
        let (mut succeeded, mut copied) = (0, 0);
        for result in results {
            succeeded += u32::from(result.status == NtStatus::SUCCESS.0);
            copied += result.copied;
        }
        let response = batch_response(count, succeeded, copied);
        self.output[..size_of_val(&response)].copy_from_slice(response.as_bytes());
    }

    fn difference(&self, output: &[u8]) -> String {
        let differs = |&at: &usize| self.output.get(at) != output.get(at);
        let first = (0..output.len()).find(differs).unwrap_or_default();
        let count = (0..output.len()).filter(differs).count();
        format!(
            "{count} bytes of the output differ, the first at {first}: {:#04x} came, {:#04x} was \
             allowed",
            output[first], self.output[first]
        )
    }
}

/// The result of an entry, or the one of a request without entries.
pub(super) fn result_at(entry: Option<usize>, output: &[u8]) -> CopyResult {
    let start = place_of(entry);
    CopyResult::read_from_bytes(&output[start..start + size_of::<CopyResult>()])
        .unwrap_or_else(|_| unreachable!("any bytes are a result"))
}

/// Where in the output a result is.
const fn place_of(entry: Option<usize>) -> usize {
    match entry {
        Some(number) => validate::result_offset(number),
        None => offset_of!(CopyResponse, result),
    }
}
