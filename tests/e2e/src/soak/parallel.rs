//! The same request from both processors at once: on one handle, on those of two processes, and on
//! a handle that is closed meanwhile.

use ringcopy_client::{
    OpenAccess, Transport,
    protocol::{NtStatus, RequestKind},
};
use ringcopy_lab::UNTOUCHED;

use super::{
    episode::{Checked, Episode, Way, buffer, sentence},
    requests::Chooser,
};

/// How often each processor sends its request.
const TIMES: u64 = 50;

/// Where in staging memory the second processor's buffers begin.
const SECOND: u64 = 256 << 10;

/// Requests that come to the same however often they are sent. The first of them write nothing.
const KINDS: [RequestKind; 6] = [
    RequestKind::Information,
    RequestKind::CopyMemory,
    RequestKind::CopyBatch,
    RequestKind::MemoryRanges,
    RequestKind::CopyFrom,
    RequestKind::CopyTo,
];
const KINDS_THAT_READ: usize = 4;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Senders {
    OneHandle,
    TwoProcesses,
    ClosedMeanwhile,
}

impl Episode<'_, '_> {
    /// Sends one request from both processors at once, many times.
    pub(super) fn send_from_both_processors(&mut self) -> Checked<()> {
        let senders = self.random.pick(&[
            Senders::OneHandle,
            Senders::TwoProcesses,
            Senders::ClosedMeanwhile,
        ]);
        let kinds = if senders == Senders::TwoProcesses {
            &KINDS[..KINDS_THAT_READ]
        } else {
            &KINDS[..]
        };
        let kind = self.random.pick(kinds);
        let request = Chooser {
            random: &mut self.random,
            model: &self.model,
        }
        .of_kind(kind);
        // The permanent handles, whose position is their process's.
        let number = self.random.index(self.clients.len());
        let first = if senders == Senders::ClosedMeanwhile {
            self.open(number, OpenAccess::ReadWrite)?
        } else {
            number
        };
        let second = match senders {
            Senders::TwoProcesses => 1 - number,
            _ => first,
        };
        self.say(
            &format!("from both processors ({senders:?}), a request"),
            first,
            &request,
        );
        let before = self.model.clone();
        let handles = [first, second].map(|handle| self.model.handles[handle]);
        let expected = handles.map(|handle| self.model.carry_out(&handle, &request));
        let is_steady = self.model.has_pages_of(&before)
            && expected.iter().all(super::expected::Expected::is_certain);
        if !is_steady {
            // The first of them would not come to the same as the rest.
            self.model = before;
            return self.exact(first, &request, Way::Exchange);
        }
        let length = request.output;
        let mut sides = [(buffer(0, 0), buffer(0, 0)); 2];
        for (index, side) in sides.iter_mut().enumerate() {
            let client = &mut self.clients[handles[index].holder];
            let offset = index as u64 * SECOND;
            let (input, output) = (client.input + offset, client.output + offset);
            let untouched = vec![UNTOUCHED; length];
            client
                .process
                .write(input, &request.input)
                .map_err(sentence)?;
            client.process.write(output, &untouched).map_err(sentence)?;
            *side = (buffer(input, request.input.len()), buffer(output, length));
        }
        let (code, handle) = (request.code, handles[0].handle);
        let (one, other) = self.clients.split_at_mut(1);
        let (client, another) = if number == 0 {
            (&mut one[0].process, &other[0].process)
        } else {
            (&mut other[0].process, &one[0].process)
        };
        let came = match senders {
            Senders::OneHandle => client.device_io_control_on_both(handle, code, sides, TIMES),
            Senders::TwoProcesses => {
                let another = (another, handles[1].handle);
                client.device_io_control_in_both(handle, code, sides, TIMES, another)
            }
            Senders::ClosedMeanwhile => client.close_amid_requests(handle, code, sides, TIMES),
        }
        .map_err(sentence)?;
        if senders == Senders::ClosedMeanwhile {
            self.model.handles.swap_remove(first);
            self.forget_file(handles[0].file);
        }
        for ((index, came), expected) in came.iter().enumerate().zip(expected) {
            self.summary.count_many(code, came.status, came.sent);
            if came.sent == 0 && senders == Senders::ClosedMeanwhile && index == 1 {
                continue;
            }
            let by = format!("from processor {index}, {} requests", came.sent);
            if came.different > 0 {
                return Err(format!("{by}: {} came to something else", came.different));
            }
            let (_, place) = sides[index];
            let mut output = vec![0; length];
            let process = &mut self.clients[handles[index].holder].process;
            process.read(place.address, &mut output).map_err(sentence)?;
            let returned = usize::try_from(came.returned).unwrap_or(usize::MAX);
            let returned = if came.status == NtStatus::SUCCESS {
                returned
            } else {
                0
            };
            expected
                .check(&self.model, came.status, returned, &output)
                .map_err(|error| format!("{by}: {error}"))?;
        }
        self.settle(false)
    }
}
