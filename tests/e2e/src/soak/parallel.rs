//! The same request from several processors at once: on one handle, on those of two processes, and on
//! a handle that is closed meanwhile.

use ringcopy_client::{
    OpenAccess, Transport,
    protocol::{NtStatus, RequestKind},
};
use ringcopy_lab::{PROCESSORS, UNTOUCHED};

use super::{
    episode::{Checked, Episode, STAGING, Way, buffer, sentence},
    requests::Chooser,
};

/// How often each processor sends its request.
const TIMES: u64 = 50;

/// The staging memory of each processor.
const SHARE: u64 = STAGING / PROCESSORS;

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
    /// Sends one request from several processors at once, many times.
    pub(super) fn send_at_once(&mut self) -> Checked<()> {
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
            long: false,
        }
        .of_kind(kind);
        let most = u64::from(self.lab.options().processors);
        let processors = usize::try_from(2 + self.random.below(most - 1)).unwrap_or(2);
        // The permanent handles, whose position is their process's.
        let number = self.random.index(self.clients.len());
        let first = if senders == Senders::ClosedMeanwhile {
            self.open(number, OpenAccess::ReadWrite)?
        } else {
            number
        };
        let position = |processor: usize| match senders {
            Senders::TwoProcesses if processor % 2 == 1 => 1 - number,
            _ => first,
        };
        self.say(
            &format!("from {processors} processors ({senders:?}), a request"),
            first,
            &request,
        );
        let before = self.model.clone();
        let handles: Vec<_> = (0..processors)
            .map(|processor| self.model.handles[position(processor)])
            .collect();
        let expected: Vec<_> = handles
            .iter()
            .map(|handle| self.model.carry_out(handle, &request))
            .collect();
        let is_steady = self.model.has_pages_of(&before)
            && expected.iter().all(super::expected::Expected::is_certain)
            && request.input.len().max(request.output) as u64 <= SHARE;
        if !is_steady {
            // The first of them would not come to the same as the rest.
            self.model = before;
            return self.exact(first, &request, Way::Exchange);
        }
        let length = request.output;
        let mut places = Vec::new();
        let mut sides = Vec::new();
        for (handle, share) in handles.iter().zip((0..).map(|share: u64| share * SHARE)) {
            let client = &mut self.clients[handle.holder];
            let (input, output) = (client.input + share, client.output + share);
            let untouched = vec![UNTOUCHED; length];
            client
                .process
                .write(input, &request.input)
                .map_err(sentence)?;
            client.process.write(output, &untouched).map_err(sentence)?;
            let buffers = (buffer(input, request.input.len()), buffer(output, length));
            sides.push(client.process.sender(handle.handle, buffers));
            places.push(output);
        }
        let closes = senders == Senders::ClosedMeanwhile;
        let came = self
            .lab
            .device_io_control_at_once(&sides, request.code, TIMES, closes)
            .map_err(sentence)?;
        if closes {
            self.model.handles.swap_remove(first);
            self.forget_file(handles[0].file);
        }
        self.summary.count_other("volleys of several processors", 1);
        for (index, (came, expected)) in came.iter().zip(expected).enumerate() {
            self.summary
                .count_many(request.code, came.status, came.sent);
            if came.sent == 0 && closes && index > 0 {
                continue;
            }
            let by = format!("from processor {index}, {} requests", came.sent);
            if came.different > 0 {
                return Err(format!("{by}: {} came to something else", came.different));
            }
            let mut output = vec![0; length];
            let process = &mut self.clients[handles[index].holder].process;
            process.read(places[index], &mut output).map_err(sentence)?;
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
