//! Copies of memory that the other processor changes meanwhile, and requests that it cancels.

use ringcopy_client::protocol::{
    BatchEntry, BatchRequest, CallerCopyRequest, Code, CopyMemoryRequest, CopyResponse, CopyResult,
    CopyThroughRequest, Direction, Header, NtStatus, RequestKind, ScatterEntry, ScatterRequest,
    validate,
};
use ringcopy_lab::{Interference, PageState, UNTOUCHED};
use zerocopy::{Immutable, IntoBytes};

use super::{
    episode::{Checked, Episode, Way, sentence},
    expected::result_at,
    model::Request,
    user_memory::{PAGE, UserMemory},
};

/// Copies of one race.
const COPIES: u64 = 40;

/// Pages that may change; those from `STEADY` on do not.
const CHANGING: usize = 8;
const STEADY: usize = 10;
const STEADY_PAGES: usize = 6;

/// Where in the session buffer copies go to, and where they come from.
const SESSION_TARGET: u64 = 0;
const SESSION_SOURCE: u64 = 8192;

/// Requests that are cancelled now and then.
const CANCELLED: u64 = 30;

/// A copy across the start of the page that changes.
#[derive(Clone, Copy, Debug)]
struct Copy {
    kind: RequestKind,
    /// Whether the page that changes is read.
    reads: bool,
    /// Where the range with that page begins.
    start: u64,
    /// Bytes before that page.
    before: usize,
    length: usize,
    /// The other range.
    steady: u64,
}

impl Episode<'_, '_> {
    /// Copies while a page is taken away, protected, rewritten or exchanged.
    pub(super) fn race(&mut self) -> Checked<()> {
        let number = self.random.index(self.clients.len());
        let changing = 1 + self.random.index(CHANGING);
        let interference = self.random.pick(&[
            Interference::Unmap,
            Interference::WriteProtect,
            Interference::Rewrite,
            Interference::Flip,
        ]);
        self.request = None;
        self.what = format!("page {changing} of process {number} changes: {interference:?}");
        let steady = STEADY..STEADY + STEADY_PAGES;
        for page in (changing - 1..=changing).chain(steady) {
            self.set_page(number, page, PageState::ReadWrite)?;
        }
        let address = UserMemory::address(changing);
        let process = &self.clients[number].process;
        self.lab
            .start_interference(Some(process), address, interference)
            .map_err(sentence)?;
        let mut session = false;
        let mut done = Ok(());
        for _ in 0..COPIES {
            let copy = self.choose(address);
            self.what = format!(
                "page {changing} of process {number} changes ({interference:?}): {copy:X?}"
            );
            done = self.copy_amid(number, &copy, interference);
            session |= copy.kind == RequestKind::CopyFrom && !keeps_bytes(interference);
            if done.is_err() {
                break;
            }
        }
        let changes = self.lab.stop_interference();
        done?;
        self.summary
            .count_other("changes of a page under copies", changes.map_err(sentence)?);
        self.model.memories[number].forget(address, PAGE);
        self.settle(false)?;
        if session {
            self.read_session(number)?;
        }
        self.look()
    }

    fn choose(&mut self, address: u64) -> Copy {
        let kinds = [
            (RequestKind::CopyFrom, true),
            (RequestKind::CopyTo, false),
            (RequestKind::CopyThrough, true),
            (RequestKind::CopyThrough, false),
            (RequestKind::CopyMemory, true),
            (RequestKind::CopyBatch, true),
            (RequestKind::CopyScatter, true),
            (RequestKind::CopyScatter, false),
        ];
        let (kind, reads) = self.random.pick(&kinds);
        let before = self.random.index(700);
        let after = 1 + self.random.index(1300);
        let most = ((STEADY_PAGES - 1) * PAGE) as u64;
        Copy {
            kind,
            reads,
            start: address - before as u64,
            before,
            length: before + after,
            steady: UserMemory::address(STEADY) + self.random.below(most),
        }
    }

    /// Sends one copy, on the process's own handle, and holds its result against what may come of it.
    fn copy_amid(&mut self, number: usize, copy: &Copy, interference: Interference) -> Checked<()> {
        let request = request_of(copy);
        let handle = self.model.handles[number];
        let response = self.send(&handle, &request, Way::Exchange)?;
        self.summary.count(&request, response.status);
        self.summary
            .count_loose_by("responses amid changes of a page");
        if response.status != NtStatus::SUCCESS {
            return Err(format!("{} came", response.status));
        }
        let entries = matches!(copy.kind, RequestKind::CopyBatch | RequestKind::CopyScatter);
        let bytes = if entries {
            validate::results_end(1)
        } else {
            size_of::<CopyResponse>()
        };
        let result = result_at(entries.then_some(0), &response.output);
        let CopyResult {
            status,
            direction,
            copied,
            address: stop,
            ..
        } = result;
        let came = format!("{result:X?} came");
        let copied = usize::try_from(copied).unwrap_or(usize::MAX);
        let complete = status == NtStatus::SUCCESS.0 && copied == copy.length && stop == 0;
        let expected = if copy.reads {
            Direction::Read
        } else {
            Direction::Write
        };
        let stopped = status == NtStatus::ACCESS_VIOLATION.0
            && direction == expected as u32
            && (copy.before..copy.length).contains(&copied)
            && stop == copy.start + copied as u64
            && (interference == Interference::Unmap
                || interference == Interference::WriteProtect && !copy.reads);
        if !complete && !stopped {
            return Err(came);
        }
        let known = if keeps_bytes(interference) {
            copied
        } else {
            copy.before
        };
        let memory = &mut self.model.memories[number];
        let source = match copy.kind {
            RequestKind::CopyTo => {
                let at = usize::try_from(SESSION_SOURCE).unwrap_or_default();
                self.model.files[handle.file].session[at..at + copied].to_vec()
            }
            _ if copy.reads => memory.read(copy.start, copied).to_vec(),
            _ => memory.read(copy.steady, copied).to_vec(),
        };
        if matches!(copy.kind, RequestKind::CopyMemory | RequestKind::CopyBatch) {
            let (arrived, rest) = response.output[bytes..].split_at(copied);
            // Only memory that does not change its bytes is known.
            let right =
                arrived[..known] == source[..known] && rest.iter().all(|&byte| byte == UNTOUCHED);
            return right
                .then_some(())
                .ok_or_else(|| format!("{came}, and wrong bytes"));
        }
        match copy.kind {
            RequestKind::CopyFrom => {
                let at = usize::try_from(SESSION_TARGET).unwrap_or_default();
                self.model.files[handle.file].session[at..at + copied].copy_from_slice(&source);
            }
            _ if copy.reads => {
                memory.write(copy.steady, &source);
                memory.forget(copy.steady + known as u64, copied - known);
            }
            // The page that changes is not known until it stops.
            _ => memory.write(copy.start, &source),
        }
        self.settle(false)
    }

    /// Takes the part of the process's session buffer into the model that such copies write to.
    fn read_session(&mut self, number: usize) -> Checked<()> {
        let file = self.model.handles[number].file;
        let bytes = self.session_of(file)?;
        let file = &mut self.model.files[file];
        let bytes = bytes.ok_or("the session buffer cannot be read")?;
        let limited = |offset| usize::try_from(offset).unwrap_or_default();
        let range = limited(SESSION_TARGET)..limited(SESSION_SOURCE);
        file.session[range.clone()].copy_from_slice(&bytes[range]);
        Ok(())
    }

    /// Ordinary requests, some of which the other processor cancels.
    pub(super) fn cancel_now_and_then(&mut self) -> Checked<()> {
        self.lab
            .start_interference(None, 0, Interference::Cancel)
            .map_err(sentence)?;
        let mut done = Ok(());
        for _ in 0..CANCELLED {
            let handle = self.any_handle();
            let request = self.long_request();
            self.say("a request that may be cancelled", handle, &request);
            done = self.exact_or_cancelled(handle, &request, Way::Exchange);
            if done.is_err() {
                break;
            }
        }
        let cancelled = self.lab.stop_interference();
        done?;
        self.summary
            .count_other("cancellations", cancelled.map_err(sentence)?);
        Ok(())
    }
}

/// Whether a page holds the same bytes all the time, as long as it is there.
const fn keeps_bytes(interference: Interference) -> bool {
    matches!(
        interference,
        Interference::Unmap | Interference::WriteProtect
    )
}

fn request_of(copy: &Copy) -> Request {
    let length = copy.length as u64;
    let short = u32::try_from(copy.length).unwrap_or_default();
    let (source, target) = if copy.reads {
        (copy.start, copy.steady)
    } else {
        (copy.steady, copy.start)
    };
    let code = Code::of(copy.kind);
    let (input, output) = match copy.kind {
        RequestKind::CopyFrom | RequestKind::CopyTo => {
            let session_offset = if copy.reads {
                SESSION_TARGET
            } else {
                SESSION_SOURCE
            };
            let input = bytes_of(|header| CallerCopyRequest {
                header,
                address: copy.start,
                length,
                session_offset,
                alignment: 1,
                mode: 0,
            });
            (input, 0)
        }
        RequestKind::CopyThrough => {
            let input = bytes_of(|header| CopyThroughRequest {
                header,
                source,
                destination: target,
                length,
                alignment: 1,
                mode: 0,
            });
            (input, 0)
        }
        RequestKind::CopyBatch => {
            let mut input = bytes_of(|header| BatchRequest {
                header,
                count: 1,
                engine: 0,
            });
            let entry = BatchEntry {
                address: source,
                length: short,
                flags: 2,
            };
            input.extend(entry.as_bytes());
            (input, size_of::<CopyResult>() + copy.length)
        }
        RequestKind::CopyScatter => {
            let mut input = bytes_of(|header| ScatterRequest {
                header,
                count: 1,
                engine: 0,
            });
            let entry = ScatterEntry {
                source,
                target,
                length: short,
                flags: 2,
            };
            input.extend(entry.as_bytes());
            (input, size_of::<CopyResult>())
        }
        _ => {
            let input = bytes_of(|header| CopyMemoryRequest {
                header,
                address: source,
                length,
                flags: 2,
                engine: 0,
            });
            (input, copy.length)
        }
    };
    Request {
        code: code.value,
        input,
        output: code.response_length + output,
        at: None,
    }
}

fn bytes_of<T: IntoBytes + Immutable>(request: impl FnOnce(Header) -> T) -> Vec<u8> {
    request(Header::of::<T>()).as_bytes().to_vec()
}
