//! The state of the model, and the expected result of each kind of request.
//!
//! It is one file because each kind reads and changes the same state; what a copy reads is in
//! `source`.

use std::fmt;

use ringcopy_client::{
    Handle,
    protocol::{
        BatchEntry, BatchResponse, Code, CopyResponse, Direction, EngineKind, Header, Kind,
        MemoryRange, MemoryRangesResponse, Method, NtStatus, Reach, RequestKind, SESSION_PAGES,
        ScatterEntry, kind,
        validate::{
            self, CallerCopy, CopyThrough, DeviceCopy, Entries, Entry, Lengths, Source, Valid,
        },
    },
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{
    expected::Expected,
    source::{Copied, refused},
    system_memory::SystemMemory,
    user_memory::UserMemory,
};
use ringcopy_lab::PageState;

/// Bytes of a request's input that a sentence about it shows.
const SHOWN: usize = 160;

/// A file object: what one open of the device made.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// The process that opened it.
    pub(super) owner: usize,
    pub(super) reach: Reach,
    /// What its session buffer holds; empty once it is closed.
    pub(super) session: Vec<u8>,
    /// Where that is, and each page of it: all ones if the driver does not tell.
    pub(super) session_address: u64,
    pub(super) session_pages: [u64; SESSION_PAGES],
    /// The response to a request for information.
    pub(super) information: Vec<u8>,
}

/// A handle to a file object.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenHandle {
    /// The process whose handle it is.
    pub(super) holder: usize,
    pub(super) handle: Handle,
    /// Bits of the access that it was opened for.
    pub(super) access: u32,
    pub(super) file: usize,
}

/// A request, as a process sends it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) code: u32,
    pub(super) input: Vec<u8>,
    /// Bytes of output.
    pub(super) output: usize,
    /// The addresses of input and output, where they are the model's and not staging memory.
    pub(super) at: Option<[u64; 2]>,
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Code::from_value(self.code).map_or("no such code", |code| code.name);
        write!(formatter, "{name}, code {:#010x}, input", self.code)?;
        for byte in self.input.iter().take(SHOWN) {
            write!(formatter, " {byte:02x}")?;
        }
        if self.input.len() > SHOWN {
            write!(formatter, " and more, {} bytes", self.input.len())?;
        }
        write!(formatter, ", {} bytes of output", self.output)?;
        match self.at {
            Some([input, output]) => write!(formatter, ", at {input:#x} and {output:#x}"),
            None => Ok(()),
        }
    }
}

/// The state of a lab, as far as requests depend on it or change it.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) policy: Reach,
    /// Whether the native engine may be used.
    pub(super) native: bool,
    /// The user memory of each process.
    pub(super) memories: Vec<UserMemory>,
    pub(super) files: Vec<File>,
    pub(super) handles: Vec<OpenHandle>,
    pub(super) device_page: Vec<u8>,
    pub(super) system: SystemMemory,
    /// Whether the outcome of the request under way depends on how the driver cuts it into pieces, or
    /// the request copies its own response.
    pub(super) tangled: bool,
    /// Where the request under way was cancelled, if it was.
    pub(super) cut: Option<Cut>,
}

/// Where a cancelled request ended, as its response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The first entry that is cancelled; 0 for a request without entries.
    pub(super) entry: usize,
    /// Bytes of it that were copied.
    pub(super) copied: usize,
}

impl Cut {
    /// Whether nothing is done of an entry, and it is not looked at whether it can be.
    const fn is_before(self, entry: usize) -> bool {
        entry > self.entry || entry == self.entry && self.copied == 0
    }
}

/// A request that the driver has understood, with what it is carried out on.
struct Call<'r> {
    process: usize,
    file: usize,
    request: &'r Request,
    code: &'static Code,
}

impl Model {
    /// What a request that is sent on a handle has to come to; the model is then as the lab has to
    /// be afterwards.
    pub(super) fn carry_out(&mut self, handle: &OpenHandle, request: &Request) -> Expected {
        let required = request.code >> 14 & 3;
        let owner = self.files[handle.file].owner;
        if handle.access & required != required || owner != handle.holder {
            return Expected::refused(NtStatus::ACCESS_DENIED, request.output);
        }
        let Some(code) = Code::from_value(request.code) else {
            return Expected::refused(NtStatus::INVALID_DEVICE_REQUEST, request.output);
        };
        let call = Call {
            process: owner,
            file: handle.file,
            request,
            code,
        };
        self.tangled = false;
        let mut expected = self
            .serve(&call)
            .unwrap_or_else(|status| Expected::refused(status, request.output));
        for memory in &mut self.memories {
            expected.anything |= std::mem::take(&mut memory.doubtful);
        }
        expected.anything |= self.tangled;
        expected
    }

    fn serve(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        match call.code.kind {
            RequestKind::Information => {
                let () = self.capture::<kind::Information>(call)?;
                let information = &self.files[call.file].information;
                Ok(Expected::of(call.request.output, information))
            }
            RequestKind::CopyFrom => self.copy_from(call),
            RequestKind::CopyTo => self.copy_to(call),
            RequestKind::CopyThrough => self.copy_through(call),
            RequestKind::DeviceCopy => self.device_copy(call),
            RequestKind::CopyMemory => self.copy_memory(call),
            RequestKind::CopyBatch => self.copy_batch(call),
            RequestKind::CopyScatter => self.copy_scatter(call),
            RequestKind::MemoryRanges => self.memory_ranges(call),
        }
    }

    /// Reads and validates the fixed part. The protocol's own validation says what the bytes decide.
    fn capture<K: Kind>(&mut self, call: &Call<'_>) -> Result<Valid<K>, NtStatus> {
        let input = &call.request.input;
        let length = input.len().min(size_of::<K::Request>());
        if length < size_of::<Header>() {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        self.message(call, 0, length, false)?;
        let lengths = Lengths {
            input: input.len(),
            output: call.request.output,
        };
        validate::request::<K>(&input[..length], lengths)
    }

    /// Reads and validates the entries.
    fn entries<E: Entry + FromBytes + Immutable>(
        &mut self,
        call: &Call<'_>,
        fixed: &Entries<E>,
    ) -> Result<Vec<E>, NtStatus> {
        let start = call.code.request_length;
        self.message(call, start, fixed.length, false)?;
        let bytes = &call.request.input[start..start + fixed.length];
        let entries: Vec<E> = bytes
            .chunks_exact(size_of::<E>())
            .filter_map(|bytes| E::read_from_bytes(bytes).ok())
            .collect();
        fixed.output_length(&entries)?;
        Ok(entries)
    }

    /// Accesses a part of the request or of the response, where that is memory of the model's.
    fn message(
        &mut self,
        call: &Call<'_>,
        offset: usize,
        length: usize,
        write: bool,
    ) -> Result<(), NtStatus> {
        let Some(addresses) = call.request.at.filter(|_| length > 0) else {
            return Ok(());
        };
        let address = addresses[usize::from(write)].wrapping_add(offset as u64);
        if !address.is_multiple_of(8) {
            return Err(NtStatus::DATATYPE_MISALIGNMENT);
        }
        if !self.system.is_user(address, length) {
            return Err(NtStatus::ACCESS_VIOLATION);
        }
        let memory = &mut self.memories[call.process];
        let accessed = memory.access(address, length, write);
        if write {
            memory.forget(address, accessed.length);
        }
        accessed.stop.map_or(Ok(()), Err)
    }

    /// The place of a response, before anything is done that it has to tell. The targets are addresses
    /// and numbers of bytes.
    fn reserve(
        &mut self,
        call: &Call<'_>,
        length: usize,
        targets: impl IntoIterator<Item = (u64, usize)>,
    ) -> Result<(), NtStatus> {
        if let Some([_, output]) = call.request.at {
            let output = u128::from(output)..u128::from(output) + length as u128;
            for (target, bytes) in targets {
                let end = u128::from(target) + bytes as u128;
                if bytes > 0 && u128::from(target) < output.end && output.start < end {
                    return Err(NtStatus::CONFLICTING_ADDRESSES);
                }
            }
        }
        if call.code.method == Method::Neither {
            self.message(call, 0, length, true)?;
        }
        Ok(())
    }

    fn copy_from(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let copy = self.capture::<kind::CopyFrom>(call)?;
        self.reserve(call, size_of::<CopyResponse>(), None)?;
        let mut copied = refused(NtStatus::SUCCESS);
        let (address, length) = (copy.address as u64, copy.length);
        match check_alignment(&copy) {
            Err(status) => copied.stop(status, address, Direction::Read),
            Ok(()) => self.copy_user(call.process, address, length, &mut copied),
        }
        copied.result.copied = copied.bytes.len() as u64;
        let arrived = copied.bytes.len();
        self.tangled |= !copied.unknown.is_empty();
        self.files[call.file].session[copy.session_offset..][..arrived]
            .copy_from_slice(&copied.bytes);
        Ok(Expected::transfer(
            call.request.output,
            length,
            &copied,
            false,
        ))
    }

    fn copy_to(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let copy = self.capture::<kind::CopyTo>(call)?;
        let (address, length) = (copy.address as u64, copy.length);
        self.reserve(call, size_of::<CopyResponse>(), [(address, length)])?;
        let mut copied = refused(NtStatus::SUCCESS);
        if let Err(status) = check_alignment(&copy) {
            copied.stop(status, address, Direction::Write);
        } else {
            let session = &self.files[call.file].session;
            copied.bytes = session[copy.session_offset..][..length].to_vec();
            self.arrive(call.process, address, &mut copied);
        }
        Ok(Expected::transfer(
            call.request.output,
            length,
            &copied,
            false,
        ))
    }

    /// Writes what was copied to a process's memory, as far as that goes.
    fn arrive(&mut self, process: usize, target: u64, copied: &mut Copied) {
        let length = copied.bytes.len();
        let memory = &mut self.memories[process];
        if !self.system.is_user(target, length) {
            copied.bytes.clear();
            copied.stop(NtStatus::ACCESS_VIOLATION, target, Direction::Write);
        } else if length > 0 {
            let accessed = memory.access(target, length, true);
            copied.bytes.truncate(accessed.length);
            if accessed.length > 0 {
                let start = UserMemory::offset(target).unwrap_or_default();
                self.tangled |= memory.unknown_in(start, accessed.length).next().is_some();
                memory.write(target, &copied.bytes);
            }
            if let Some(status) = accessed.stop {
                let stop = target + accessed.length as u64;
                copied.stop(status, stop, Direction::Write);
            }
        }
        copied.result.copied = copied.bytes.len() as u64;
    }

    fn copy_through(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let CopyThrough {
            source,
            destination,
            length,
            alignment,
            ..
        } = self.capture::<kind::CopyThrough>(call)?;
        let (source, target) = (source as u64, destination as u64);
        self.reserve(call, size_of::<CopyResponse>(), [(target, length)])?;
        let mut copied = refused(NtStatus::SUCCESS);
        if let Err(status) = aligned(source, length, alignment) {
            copied.stop(status, source, Direction::Read);
        } else if !self.system.is_user(source, length) {
            copied.stop(NtStatus::ACCESS_VIOLATION, source, Direction::Read);
        } else if !self.system.is_user(target, length) {
            copied.stop(NtStatus::ACCESS_VIOLATION, target, Direction::Write);
        } else {
            let before = self.memories[call.process].states;
            let read = self.cut.map_or(length, |cut| cut.copied);
            self.copy_user(call.process, source, read, &mut copied);
            let overlap = source.abs_diff(target) < length as u64;
            self.arrive_all(call.process, target, &mut copied, overlap, &before);
            copied.cancel_at(self.cut);
        }
        Ok(Expected::transfer(
            call.request.output,
            length,
            &copied,
            false,
        ))
    }

    /// Writes what was read, in pieces: where a write stops, the read has gone further or not.
    /// `before`: what the pages were before the read.
    fn arrive_all(
        &mut self,
        process: usize,
        target: u64,
        copied: &mut Copied,
        overlap: bool,
        before: &[PageState],
    ) {
        let read = copied.bytes.len();
        let memory = &mut self.memories[process];
        let changed: Vec<usize> = (0..before.len())
            .filter(|&page| memory.states[page] != before[page])
            .collect();
        // A page that the read changed and the write meets: which came first depends on the pieces.
        if changed
            .iter()
            .any(|&page| UserMemory::meets(page, target, read))
        {
            memory.doubt_range(target, read);
            memory.uncertain.extend(&changed);
            self.tangled = true;
        }
        self.arrive(process, target, copied);
        let memory = &mut self.memories[process];
        if copied.bytes.len() < read {
            memory.uncertain.extend(changed);
        }
        if overlap || !copied.unknown.is_empty() {
            memory.forget(target, copied.bytes.len());
        }
    }

    fn device_copy(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let copy = self.capture::<kind::DeviceCopy>(call)?;
        let mut copied = refused(NtStatus::SUCCESS);
        copied.result.copied = copy.length() as u64;
        let mut read = false;
        match copy {
            DeviceCopy::ToDevice {
                destination,
                length,
                ..
            } => {
                let bytes = &call.request.input[call.code.request_length..];
                self.device_page[destination..][..length].copy_from_slice(bytes);
            }
            DeviceCopy::FromDevice { source, length, .. } => {
                copied.bytes = self.device_page[source..][..length].to_vec();
                read = true;
            }
            DeviceCopy::Within {
                source,
                destination,
                length,
                ..
            } => self
                .device_page
                .copy_within(source..source + length, destination),
        }
        Ok(Expected::transfer(
            call.request.output,
            copy.length(),
            &copied,
            read,
        ))
    }

    fn copy_memory(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let copy = self.capture::<kind::CopyMemory>(call)?;
        let copied = self.copy_entry(call, 0, copy.source, copy.engine);
        let length = copy.source.length;
        Ok(Expected::transfer(
            call.request.output,
            length,
            &copied,
            true,
        ))
    }

    fn copy_batch(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let fixed = self.capture::<kind::CopyBatch>(call)?;
        let entries: Vec<BatchEntry> = self.entries(call, &fixed)?;
        let mut expected = Expected::entries(call.request.output, entries.len());
        let mut slot = validate::results_end(entries.len());
        for (number, entry) in entries.iter().enumerate() {
            let source = entry.source();
            let copied = self.copy_entry(call, number, source, fixed.engine);
            expected.entry(number, source.length, &copied, Some(slot));
            slot += source.length;
        }
        expected.returned = slot;
        Ok(expected)
    }

    fn copy_scatter(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let fixed = self.capture::<kind::CopyScatter>(call)?;
        let entries: Vec<ScatterEntry> = self.entries(call, &fixed)?;
        let end = validate::results_end(entries.len());
        let targets = entries
            .iter()
            .map(|entry| (entry.target, entry.length as usize));
        self.reserve(call, end, targets)?;
        let mut expected = Expected::entries(call.request.output, entries.len());
        for (number, entry) in entries.iter().enumerate() {
            let copied = self.scatter(call, number, entry, fixed.engine);
            let asked = entry.length as usize;
            expected.entry(number, asked, &copied, None);
        }
        expected.returned = end;
        Ok(expected)
    }

    /// Copies an entry, up to where the request was cancelled.
    fn copy_entry(
        &mut self,
        call: &Call<'_>,
        number: usize,
        source: Source,
        engine: EngineKind,
    ) -> Copied {
        let cut = match self.cut {
            Some(cut) if cut.is_before(number) => return refused(NtStatus::CANCELLED),
            cut => cut.filter(|cut| number == cut.entry),
        };
        if let Err(status) = self.check_reach(call.file, source) {
            return refused(status);
        }
        let length = cut.map_or(source.length, |cut| cut.copied);
        let mut copied = self.copy(call.file, Source { length, ..source }, engine);
        copied.cancel_at(cut);
        copied
    }

    fn scatter(
        &mut self,
        call: &Call<'_>,
        number: usize,
        entry: &ScatterEntry,
        engine: EngineKind,
    ) -> Copied {
        let (source, target) = (entry.source(), entry.target);
        let is_cut = self.cut.is_some_and(|cut| number >= cut.entry);
        if self.cut.is_some_and(|cut| cut.is_before(number)) {
            return refused(NtStatus::CANCELLED);
        }
        if let Err(status) = self.check_reach(call.file, source) {
            return refused(status);
        }
        if !self.system.is_user(target, source.length) {
            let mut copied = refused(NtStatus::SUCCESS);
            copied.stop(NtStatus::ACCESS_VIOLATION, target, Direction::Write);
            return copied;
        }
        let before = self.memories[call.process].states;
        let were_in = self.system.brought_in();
        let mut copied = self.copy_entry(call, number, source, engine);
        let overlap = self.overlap(call.process, source, target);
        let read = copied.bytes.len();
        if copied.loose {
            let memory = &mut self.memories[call.process];
            memory.forget(target, source.length);
            memory.doubt_range(target, source.length);
            copied.result.copied = 0;
            return copied;
        }
        self.arrive_all(call.process, target, &mut copied, overlap, &before);
        if is_cut || copied.bytes.len() < read {
            copied.hole = super::source::Hole::None;
            // Which engine was at work there depends on how the copy is cut.
            copied.any_engine |= copied.result.flags != 0;
            let now = self.system.brought_in();
            self.system.uncertain.extend(now.difference(&were_in));
        }
        copied
    }

    /// Whether a copy reads what it writes.
    fn overlap(&self, process: usize, source: Source, target: u64) -> bool {
        let length = source.length as u64;
        if source.flags == 2 {
            return source.address.abs_diff(target) < length;
        }
        // By physical addresses, any page may be the target's.
        let memory = &self.memories[process];
        (source.address..source.address.saturating_add(length).min(1 << 40))
            .step_by(4096)
            .chain(
                length
                    .checked_sub(1)
                    .map(|last| source.address.saturating_add(last)),
            )
            .any(|address| memory.offset_of_physical(address).is_some())
    }

    /// Whether all that the model holds is certain.
    pub(super) fn is_settled(&self) -> bool {
        let settled =
            |memory: &UserMemory| memory.uncertain.is_empty() && memory.unknown.is_empty();
        !self.tangled && self.system.uncertain.is_empty() && self.memories.iter().all(settled)
    }

    /// Whether all pages are of the kinds that they are in another state.
    pub(super) fn has_pages_of(&self, other: &Self) -> bool {
        let states = |model: &Self| -> Vec<_> {
            model.memories.iter().map(|memory| memory.states).collect()
        };
        states(self) == states(other) && self.system.brought_in() == other.system.brought_in()
    }

    /// Whether a byte of a range of system memory can be read, by an engine that brings pages in or
    /// by one that does not.
    pub(super) fn is_any_readable(
        &self,
        address: u64,
        length: u64,
        brings_in: bool,
        moment: usize,
    ) -> bool {
        let end = address.saturating_add(length);
        self.system.any_readable(address, length, brings_in, moment)
            || self.files.iter().any(|file| {
                let start = file.session_address;
                start < end && address < start.saturating_add(file.session.len() as u64)
            })
    }

    fn memory_ranges(&mut self, call: &Call<'_>) -> Result<Expected, NtStatus> {
        let asked = self.capture::<kind::MemoryRanges>(call)?;
        let all = self.system.ram();
        let ranges = &all[asked.of(all.len())];
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let response = MemoryRangesResponse {
            header: Header::of::<MemoryRangesResponse>(),
            count: count(ranges.len()),
            total: count(all.len()),
        };
        let mut bytes = response.as_bytes().to_vec();
        for range in ranges {
            let range = MemoryRange {
                base: range.base,
                length: range.length,
            };
            bytes.extend(range.as_bytes());
        }
        Ok(Expected::of(call.request.output, &bytes))
    }
}

const fn check_alignment(copy: &CallerCopy) -> Result<(), NtStatus> {
    aligned(copy.address as u64, copy.length, copy.alignment)
}

/// The address of an empty range may be anything, as may its alignment.
const fn aligned(address: u64, length: usize, alignment: usize) -> Result<(), NtStatus> {
    if length == 0 {
        return Ok(());
    }
    if !alignment.is_power_of_two() {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    if !address.is_multiple_of(alignment as u64) {
        return Err(NtStatus::DATATYPE_MISALIGNMENT);
    }
    Ok(())
}

/// The fixed part of a response to a request with entries.
pub(super) const fn batch_response(count: u32, succeeded: u32, copied: u64) -> BatchResponse {
    BatchResponse {
        header: Header::of::<BatchResponse>(),
        count,
        succeeded,
        copied,
    }
}
