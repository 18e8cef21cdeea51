//! The memory of PCI devices.
//!
//! Source: "PCI Local Bus Specification", on configuration mechanism #1 and base addresses.

use crate::cpu;

const ADDRESS: u16 = 0xCF8;
const DATA: u16 = 0xCFC;
const ENABLE: u32 = 1 << 31;

const IDENTITY: u32 = 0x00;
const COMMAND: u32 = 0x04;
const CLASS: u32 = 0x08;
const BASE_ADDRESS: u32 = 0x10;

const NO_DEVICE: u32 = u32::MAX;
const BRIDGE: u32 = 6;
/// In [`COMMAND`]: the device responds at its base addresses.
const MEMORY_SPACE: u32 = 1 << 1;
/// In a base address: ports, not memory.
const IS_PORTS: u32 = 1;
/// In a base address: the bits that are not part of the address.
const FLAGS: u32 = 0xF;
/// In a base address: it has 64 bits.
const IS_WIDE: u32 = 0b100;

/// Devices that a bus may have.
const DEVICES: u32 = 32;

/// The memory of a device.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Device {
    pub(crate) address: u64,
    pub(crate) length: u64,
}

#[derive(Clone, Copy)]
struct Function(u32);

impl Function {
    fn read(self, register: u32) -> u32 {
        cpu::out32(ADDRESS, ENABLE | self.0 | register);
        cpu::in32(DATA)
    }

    fn write(self, register: u32, value: u32) {
        cpu::out32(ADDRESS, ENABLE | self.0 | register);
        cpu::out32(DATA, value);
    }

    /// Returns the memory at its first base address, if the firmware has assigned any.
    fn memory(self) -> Option<Device> {
        if self.read(IDENTITY) == NO_DEVICE || self.read(CLASS) >> 24 == BRIDGE {
            return None;
        }
        let (command, base) = (self.read(COMMAND), self.read(BASE_ADDRESS));
        if command & MEMORY_SPACE == 0 || base & IS_PORTS != 0 || base & !FLAGS == 0 {
            return None;
        }
        // Bits of the address read back as ones. The device must not respond meanwhile.
        self.write(COMMAND, command & !MEMORY_SPACE);
        self.write(BASE_ADDRESS, u32::MAX);
        let length = (!(self.read(BASE_ADDRESS) & !FLAGS)).wrapping_add(1);
        self.write(BASE_ADDRESS, base);
        self.write(COMMAND, command);
        let above = if base & IS_WIDE == 0 {
            0
        } else {
            self.read(BASE_ADDRESS + 4)
        };
        Some(Device {
            address: u64::from(above) << 32 | u64::from(base & !FLAGS),
            length: length.into(),
        })
    }
}

/// Returns the memory of the first device on the first bus that has any.
pub(crate) fn first_with_memory() -> Option<Device> {
    (0..DEVICES).find_map(|device| Function(device << 11).memory())
}
