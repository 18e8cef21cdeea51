//! One step up the stack: `RUNTIME_FUNCTION`, `UNWIND_INFO` and the unwind codes.

use super::context::Context;
use crate::bugcheck::violation;
use crate::images::{self, Image};
use crate::raw;

/// `UNW_FLAG_EHANDLER`.
pub(super) const EXCEPTION_HANDLER: u8 = 1;
/// `UNW_FLAG_UHANDLER`.
pub(super) const UNWIND_HANDLER: u8 = 2;
const CHAINED: u8 = 4;

mod operation {
    pub(super) const PUSH_NONVOLATILE: u16 = 0;
    pub(super) const ALLOCATE_LARGE: u16 = 1;
    pub(super) const ALLOCATE_SMALL: u16 = 2;
    pub(super) const SET_FRAME: u16 = 3;
    pub(super) const SAVE_NONVOLATILE: u16 = 4;
    pub(super) const SAVE_NONVOLATILE_FAR: u16 = 5;
    pub(super) const EPILOG: u16 = 6;
    pub(super) const SPARE: u16 = 7;
    pub(super) const SAVE_VECTOR: u16 = 8;
    pub(super) const SAVE_VECTOR_FAR: u16 = 9;
    pub(super) const PUSH_MACHINE_FRAME: u16 = 10;
}

/// A frame with unwind data that was undone.
pub(super) struct Frame {
    pub(super) image: Image,
    /// The address of its `RUNTIME_FUNCTION`.
    pub(super) function: u64,
    /// The address of control in it.
    pub(super) instruction: u64,
    /// Its establisher frame.
    pub(super) establisher: u64,
    /// Its language handler and that handler's data, if it has one for the phase.
    pub(super) handler: Option<(u64, u64)>,
}

/// Returns the `RUNTIME_FUNCTION` of an address. The table is sorted by start.
fn function_of(image: &Image, address: u64) -> Option<u64> {
    let rva = (address - image.base) as u32;
    let (mut low, mut high) = (0, image.function_count);
    while low < high {
        let middle = u64::midpoint(low, high);
        let entry = image.functions + middle * 12;
        if rva < raw::read::<u32>(entry) {
            high = middle;
        } else if rva >= raw::read::<u32>(entry + 4) {
            low = middle + 1;
        } else {
            return Some(entry);
        }
    }
    None
}

/// `UNWIND_INFO` at an address.
struct Information {
    address: u64,
    flags: u8,
    prolog: u64,
    codes: u64,
    frame_register: usize,
    frame_offset: u64,
}

impl Information {
    fn of(image: &Image, function: u64) -> Self {
        let address = image.base + u64::from(raw::read::<u32>(function + 8));
        let head: [u8; 4] = raw::read(address);
        let version = head[0] & 7;
        if !matches!(version, 1 | 2) {
            violation!(
                "{} has unwind data of version {version}",
                images::Location(address)
            );
        }
        Self {
            address,
            flags: head[0] >> 3,
            prolog: u64::from(head[1]),
            codes: u64::from(head[2]),
            frame_register: usize::from(head[3] & 15),
            frame_offset: u64::from(head[3] >> 4) * 16,
        }
    }

    fn slot(&self, index: u64) -> u16 {
        raw::read(self.address + 4 + index * 2)
    }

    /// Returns the address after the codes, whose number is even: of a chained function or a
    /// handler.
    const fn tail(&self) -> u64 {
        self.address + 4 + self.codes.next_multiple_of(2) * 2
    }

    /// Returns the codes.
    fn codes(&self) -> impl Iterator<Item = Code> + '_ {
        let mut index = 0;
        core::iter::from_fn(move || {
            if index >= self.codes {
                return None;
            }
            let slot = self.slot(index);
            let (operation, detail) = (slot >> 8 & 15, slot >> 12);
            let slots = match operation {
                operation::ALLOCATE_LARGE => 2 + u64::from(detail != 0),
                operation::SAVE_NONVOLATILE | operation::SAVE_VECTOR | operation::EPILOG => 2,
                operation::SAVE_NONVOLATILE_FAR | operation::SAVE_VECTOR_FAR | operation::SPARE => {
                    3
                }
                _ => 1,
            };
            // An operand is 16 bits in units, or 32 bits in bytes.
            let operand = |unit: u64| match slots {
                2 => u64::from(self.slot(index + 1)) * unit,
                3 => u64::from(self.slot(index + 1)) | u64::from(self.slot(index + 2)) << 16,
                _ => 0,
            };
            let code = Code {
                offset: u64::from(slot & 0xFF),
                operation,
                detail: usize::from(detail),
                eights: operand(8),
                sixteens: operand(16),
            };
            // Version 2 describes epilogs in single slots.
            index += if operation == operation::EPILOG {
                1
            } else {
                slots
            };
            Some(code)
        })
    }
}

struct Code {
    offset: u64,
    operation: u16,
    detail: usize,
    eights: u64,
    sixteens: u64,
}

/// Undoes the function that `context` is in. A function without unwind data has moved nothing: its
/// return address is on top of the stack.
///
/// A fault inside an epilog is treated as one in the body: an epilog accesses only the stack, which
/// does not fault.
pub(super) fn step(context: &mut Context, phase: u8) -> Option<Frame> {
    let instruction = context.instruction();
    let found = images::find(instruction)
        .and_then(|image| function_of(&image, instruction).map(|function| (image, function)));
    let Some((image, function)) = found else {
        pop_return_address(context);
        return None;
    };

    let mut information = Information::of(&image, function);
    let offset = instruction - image.base - u64::from(raw::read::<u32>(function));
    let establisher = frame_base(&information, offset, context);
    let in_body = offset >= information.prolog;
    let mut base = establisher;
    let mut reached = offset;
    let mut returned = false;
    loop {
        for code in information.codes() {
            if reached >= code.offset {
                returned |= undo(&code, &information, base, context);
            }
        }
        if information.flags & CHAINED == 0 {
            break;
        }
        // A chained function's own prolog is complete.
        information = Information::of(&image, information.tail());
        reached = u64::MAX;
        base = frame_base(&information, reached, context);
    }
    if !returned {
        pop_return_address(context);
    }
    let tail = information.tail();
    let handler = (in_body && information.flags & phase != 0).then(|| {
        let handler = image.base + u64::from(raw::read::<u32>(tail));
        (handler, tail + 4)
    });
    Some(Frame {
        image,
        function,
        instruction,
        establisher,
        handler,
    })
}

fn pop_return_address(context: &mut Context) {
    context.set_instruction(raw::read(context.stack()));
    context.set_stack(context.stack() + 8);
}

/// Returns the establisher frame: from the frame register if the prolog has set it, else from the
/// stack pointer.
fn frame_base(information: &Information, offset: u64, context: &Context) -> u64 {
    let established = information.frame_register != 0
        && (offset >= information.prolog
            || information
                .codes()
                .any(|code| code.operation == operation::SET_FRAME && offset >= code.offset));
    if established {
        context.general(information.frame_register) - information.frame_offset
    } else {
        context.stack()
    }
}

/// Undoes one operation of the prolog. Returns whether it restored the instruction pointer.
fn undo(code: &Code, information: &Information, base: u64, context: &mut Context) -> bool {
    let stack = context.stack();
    match code.operation {
        operation::PUSH_NONVOLATILE => {
            context.set_general(code.detail, raw::read(stack));
            context.set_stack(stack + 8);
        }
        operation::ALLOCATE_LARGE => context.set_stack(stack + code.eights),
        operation::ALLOCATE_SMALL => context.set_stack(stack + code.detail as u64 * 8 + 8),
        operation::SET_FRAME => {
            let frame = context.general(information.frame_register);
            context.set_stack(frame - information.frame_offset);
        }
        operation::SAVE_NONVOLATILE | operation::SAVE_NONVOLATILE_FAR => {
            context.set_general(code.detail, raw::read(base + code.eights));
        }
        operation::SAVE_VECTOR | operation::SAVE_VECTOR_FAR => {
            context.set_vector(code.detail, raw::read(base + code.sixteens));
        }
        operation::PUSH_MACHINE_FRAME => {
            // After an error code, if there is one: instruction, segment, flags, stack.
            let frame = stack + code.detail as u64 * 8;
            context.set_instruction(raw::read(frame));
            context.set_stack(raw::read(frame + 24));
            return true;
        }
        _ => {}
    }
    false
}
