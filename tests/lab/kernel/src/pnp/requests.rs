//! The requests that the manager sends to a device's stack.

use alloc::string::String;

use super::notifications::{Event, notify};
use super::{State, forget, node, set_state};
use crate::io::{self, KERNEL_MODE, irp};
use crate::nt::layout::{DeviceObject, FileObject, Irp, StackLocation, Structure, major, minor};
use crate::nt::strings;
use crate::object::{device, process};
use crate::pool;
use nt_status::NtStatus;
use ringcopy_lab_mailbox::PnpRequest;

/// Sends a request to the top of the device's stack and returns its status.
///
/// `STATUS_NO_SUCH_DEVICE` without a device; `STATUS_INVALID_DEVICE_STATE` for a request that the
/// manager would not send now.
pub(crate) fn send(request: PnpRequest) -> Result<NtStatus, NtStatus> {
    let node = node()?;
    let (minor, after) = transition(request, node.state).ok_or(NtStatus::INVALID_DEVICE_STATE)?;
    process::leave_user_half();
    if request == PnpRequest::QueryRemove
        && let Err(refused) = notify(node.physical, Event::QueryRemove)
    {
        return Ok(refused);
    }
    let top = device::top(node.physical);
    let status = io::send_from_system(packet(top, minor), top).status;
    match request {
        PnpRequest::Start if status.is_error() => set_state(State::Failed),
        PnpRequest::QueryStop | PnpRequest::QueryRemove if status.is_error() => {}
        PnpRequest::Remove => forget(),
        _ => set_state(after),
    }
    // Nobody can refuse these.
    let _ = match request {
        PnpRequest::CancelRemove => notify(node.physical, Event::RemoveCancelled),
        PnpRequest::SurpriseRemoval => notify(node.physical, Event::RemoveComplete),
        _ => Ok(()),
    };
    Ok(status)
}

/// Makes a request for a device.
fn packet(top: DeviceObject, minor: u8) -> Irp {
    let packet = irp::allocate(top, FileObject(0), major::PNP, KERNEL_MODE);
    irp::next_location(packet).set(StackLocation::MINOR_FUNCTION, minor);
    packet
}

/// Asks the bus driver for a device's identifiers of a kind (`id_type`), and takes of the strings what
/// `take` takes: one, or a list that an empty one ends.
///
/// The status of the bus driver.
pub(super) fn query_id<R>(
    physical: DeviceObject,
    kind: u32,
    take: impl FnOnce(&mut dyn Iterator<Item = String>) -> R,
) -> Result<R, NtStatus> {
    let packet = packet(physical, minor::QUERY_ID);
    irp::next_location(packet).set(StackLocation::ID_TYPE, kind);
    let completed = io::send_from_system(packet, physical);
    if completed.status.is_error() {
        return Err(completed.status);
    }
    let mut next = completed.information;
    let taken = take(&mut core::iter::from_fn(|| {
        let length = strings::length_of(next);
        let text = strings::read_units(next, length);
        next += (length + 1) * 2;
        Some(text)
    }));
    pool::free(completed.information, None);
    Ok(taken)
}

/// Returns a request's minor function and the state after its success; `None` if it is not sent in a
/// state.
const fn transition(request: PnpRequest, state: State) -> Option<(u8, State)> {
    Some(match (request, state) {
        (PnpRequest::Start, State::Added | State::Stopped) => (minor::START_DEVICE, State::Started),
        (PnpRequest::QueryStop, State::Started) => (minor::QUERY_STOP_DEVICE, State::StopPending),
        // The manager cancels a query that was refused, too.
        (PnpRequest::CancelStop, State::StopPending | State::Started) => {
            (minor::CANCEL_STOP_DEVICE, State::Started)
        }
        (PnpRequest::Stop, State::StopPending) => (minor::STOP_DEVICE, State::Stopped),
        (PnpRequest::QueryRemove, State::Started) => {
            (minor::QUERY_REMOVE_DEVICE, State::RemovePending)
        }
        (PnpRequest::CancelRemove, State::RemovePending | State::Started) => {
            (minor::CANCEL_REMOVE_DEVICE, State::Started)
        }
        (PnpRequest::SurpriseRemoval, State::Failed | State::SurpriseRemoved) => return None,
        (PnpRequest::SurpriseRemoval, _) => (minor::SURPRISE_REMOVAL, State::SurpriseRemoved),
        (
            PnpRequest::Remove,
            State::Added | State::RemovePending | State::SurpriseRemoved | State::Failed,
        ) => (minor::REMOVE_DEVICE, state),
        _ => return None,
    })
}
