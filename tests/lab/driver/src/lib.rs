//! A driver for tests of the lab. It serves requests with all that the lab provides: timers, deferred
//! procedure calls, work items, threads, files. Asked to, it makes one of the mistakes that the lab
//! tells.
//!
//! Its device is `\Device\LabTest`, with the link `\DosDevices\LabTest`. Control codes are
//! `0x222000 + 4 * number + method`: numbers below 0x20 are [`services`], the others [`mistakes`]. The
//! value `Mode` under the service's key `Parameters` chooses a mistake of loading or unloading:
//! [`mistakes::Mode`].

#![no_std]
#![expect(
    clippy::cast_possible_truncation,
    reason = "a driver for tests: addresses are integers, and names say it all"
)]

mod mistakes;
mod nt;
mod services;
mod strings;

use mistakes::Mode;
use nt::{Attributes, Irp, Place, Text, address_of, driver_object as object, units};

/// The major functions that the driver serves.
mod major {
    pub const CREATE: u8 = 0x00;
    pub const CLOSE: u8 = 0x02;
    pub const READ: u8 = 0x03;
    pub const WRITE: u8 = 0x04;
    pub const DEVICE_CONTROL: u8 = 0x0E;
    pub const CLEANUP: u8 = 0x12;
}

const DEVICE: &[u16] = units!(br"\Device\LabTest");
const LINK: &[u16] = units!(br"\DosDevices\LabTest");

/// The driver's entry point.
#[unsafe(no_mangle)]
pub extern "C" fn DriverEntry(driver: u64, service: u64) -> u32 {
    let mode = mode_of(service);
    if let Some(status) = mistakes::on_load(mode) {
        return status;
    }
    let (name, link) = (Text::of(DEVICE), Text::of(LINK));
    let device = Place::of(0_u64);
    let status = nt::IoCreateDevice(
        driver,
        0,
        address_of(&name),
        0x22,
        0x100,
        0,
        device.address(),
    );
    if status != nt::SUCCESS {
        return status;
    }
    let device = device.get();
    let flags = device + nt::DEVICE_FLAGS;
    nt::write(flags, nt::read::<u32>(flags) | nt::BUFFERED_IO);
    let linked = nt::IoCreateSymbolicLink(address_of(&link), address_of(&name));
    if linked != nt::SUCCESS {
        nt::IoDeleteDevice(device);
        return linked;
    }
    for function in [
        major::CREATE,
        major::CLOSE,
        major::READ,
        major::WRITE,
        major::DEVICE_CONTROL,
        major::CLEANUP,
    ] {
        let place = driver + object::MAJOR_FUNCTIONS + u64::from(function) * 8;
        nt::write(place, dispatch as *const () as u64);
    }
    if mode != Mode::NoUnload {
        nt::write(driver + object::UNLOAD, unload as *const () as u64);
    }
    services::start();
    nt::SUCCESS
}

/// `KEY_READ`.
const KEY_READ: u32 = 0x2_0019;
/// `KeyValuePartialInformation`: index, type, length, data.
const PARTIAL: u32 = 2;

/// Reads the value `Mode`; without one, the driver makes no mistake by itself.
fn mode_of(service: u64) -> Mode {
    let (parameters, name) = (Text::of(units!(b"Parameters")), Text::of(units!(b"Mode")));
    let (root, key) = (Place::of(0_u64), Place::of(0_u64));
    let of_service = Attributes::of(0, service);
    if nt::ZwOpenKey(root.address(), KEY_READ, address_of(&of_service)) != nt::SUCCESS {
        return Mode::Well;
    }
    let of_parameters = Attributes::of(root.get(), address_of(&parameters));
    let opened = nt::ZwOpenKey(key.address(), KEY_READ, address_of(&of_parameters));
    nt::ZwClose(root.get());
    if opened != nt::SUCCESS {
        return Mode::Well;
    }
    let (buffer, needed) = (Place::of([0_u32; 4]), Place::of(0_u32));
    let found = nt::ZwQueryValueKey(
        key.get(),
        address_of(&name),
        PARTIAL,
        buffer.address(),
        16,
        needed.address(),
    );
    nt::ZwClose(key.get());
    let [_, _, _, data] = buffer.get();
    if found == nt::SUCCESS {
        Mode::of(data)
    } else {
        Mode::Well
    }
}

extern "C" fn unload(driver: u64) {
    let link = Text::of(LINK);
    services::stop();
    nt::IoDeleteSymbolicLink(address_of(&link));
    nt::IoDeleteDevice(nt::read(driver + object::DEVICE));
}

extern "C" fn dispatch(device: u64, irp: u64) -> u32 {
    let irp = Irp(irp);
    match irp.function() {
        major::READ => services::read(irp),
        major::WRITE => services::write(irp),
        major::DEVICE_CONTROL => {
            let number = irp.code() >> 2 & 0x7FF;
            if number < mistakes::FIRST {
                services::control(number, device, irp)
            } else {
                mistakes::control(number - mistakes::FIRST, device, irp)
            }
        }
        _ => irp.complete(nt::SUCCESS, 0),
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    nt::KeBugCheckEx(0xE2, 0, 0, 0, 0)
}
