//! What Windows reports about itself.

#![expect(
    clippy::cast_possible_truncation,
    reason = "sizes of structures, and of a path"
)]

use std::{
    ffi::{CStr, c_void},
    path::PathBuf,
    ptr::null_mut,
    time::Duration,
};
use windows_sys::{
    Wdk::System::{
        SystemInformation::{NtQuerySystemInformation, SystemCodeIntegrityInformation},
        SystemServices::RtlGetVersion,
    },
    Win32::Foundation::STATUS_INFO_LENGTH_MISMATCH,
    Win32::System::{
        LibraryLoader::{GetModuleHandleA, GetProcAddress},
        ProcessStatus::{EnumDeviceDrivers, GetDeviceDriverBaseNameW},
        SystemInformation::{GetSystemWindowsDirectoryW, GetTickCount64, OSVERSIONINFOW},
        WindowsProgramming::SYSTEM_CODEINTEGRITY_INFORMATION,
    },
};

use crate::Win32Error;

/// The most bytes of information about the system.
const INFORMATION_LIMIT: u32 = 64 << 20;

/// Returns the major version, minor version and build.
///
/// Source: `RtlGetVersion`, which reports the real version also to programs without a manifest.
#[must_use]
pub fn version() -> [u32; 3] {
    let mut version = OSVERSIONINFOW {
        dwOSVersionInfoSize: size_of::<OSVERSIONINFOW>() as u32,
        ..OSVERSIONINFOW::default()
    };
    // SAFETY: a local whose size it says itself. It always succeeds.
    let _ = unsafe { RtlGetVersion(&raw mut version) };
    [
        version.dwMajorVersion,
        version.dwMinorVersion,
        version.dwBuildNumber,
    ]
}

/// Returns the `CODEINTEGRITY_OPTION_*` bits, or the status of the failure.
///
/// # Errors
/// What `NtQuerySystemInformation` fails with; Wine knows no such class.
pub fn code_integrity() -> Result<u32, u32> {
    let mut information = SYSTEM_CODEINTEGRITY_INFORMATION {
        Length: size_of::<SYSTEM_CODEINTEGRITY_INFORMATION>() as u32,
        CodeIntegrityOptions: 0,
    };
    let mut length = 0;
    // SAFETY: a local of the class's type whose size is passed, and another.
    let status = unsafe {
        NtQuerySystemInformation(
            SystemCodeIntegrityInformation,
            (&raw mut information).cast(),
            information.Length,
            &raw mut length,
        )
    };
    if status < 0 {
        Err(status.cast_unsigned())
    } else {
        Ok(information.CodeIntegrityOptions)
    }
}

/// Returns information about the system of a class whose length varies, as words.
///
/// # Errors
/// The status that `NtQuerySystemInformation` fails with; `STATUS_INFO_LENGTH_MISMATCH` if there is more
/// than 64 MiB.
pub fn information(class: i32) -> Result<Vec<u64>, u32> {
    let mut bytes = 64 << 10;
    loop {
        let mut words = vec![0_u64; bytes as usize / 8];
        let mut length = 0;
        // SAFETY: a local whose size in bytes is passed, aligned for every structure, and another.
        let status = unsafe {
            NtQuerySystemInformation(class, words.as_mut_ptr().cast(), bytes, &raw mut length)
        };
        if status == STATUS_INFO_LENGTH_MISMATCH && bytes < INFORMATION_LIMIT {
            // What is needed can have grown since; so more is offered each time.
            bytes *= 2;
            continue;
        }
        if status < 0 {
            return Err(status.cast_unsigned());
        }
        words.truncate((length as usize).div_ceil(8));
        return Ok(words);
    }
}

/// Returns the base and the name of each image in the kernel. A base is 0 where Windows does not say it
/// to this process.
///
/// # Errors
/// What `EnumDeviceDrivers` fails with.
pub fn kernel_images() -> Result<Vec<(u64, String)>, Win32Error> {
    let mut bases = vec![null_mut::<c_void>(); 1024];
    let mut needed = 0;
    let bytes = size_of_val(bases.as_slice()) as u32;
    // SAFETY: a local whose size in bytes is passed, and another.
    if unsafe { EnumDeviceDrivers(bases.as_mut_ptr(), bytes, &raw mut needed) } == 0 {
        return Err(Win32Error::last());
    }
    bases.truncate(needed as usize / size_of::<*mut c_void>());
    let named = bases.into_iter().map(|base| {
        let mut name = [0_u16; 260];
        // SAFETY: an address that is looked up and not accessed; a local whose length is passed.
        let length =
            unsafe { GetDeviceDriverBaseNameW(base, name.as_mut_ptr(), name.len() as u32) };
        let name = name.get(..length as usize).unwrap_or_default();
        (base.addr() as u64, String::from_utf16_lossy(name))
    });
    Ok(named.collect())
}

/// Returns the time since the system was started.
#[must_use]
pub fn uptime() -> Duration {
    // SAFETY: takes nothing.
    Duration::from_millis(unsafe { GetTickCount64() })
}

/// Returns the Windows folder, such as `C:\Windows`; `None` if it is not known.
#[must_use]
pub fn windows_folder() -> Option<PathBuf> {
    let mut path = [0_u16; 260];
    // SAFETY: a local whose length in characters is passed.
    let length = unsafe { GetSystemWindowsDirectoryW(path.as_mut_ptr(), path.len() as u32) };
    let path = path
        .get(..length as usize)
        .filter(|path| !path.is_empty())?;
    Some(PathBuf::from(String::from_utf16(path).ok()?))
}

/// Returns Wine's version under Wine; `None` on Windows.
///
/// Source: Wine's developer FAQ, which names the export for programs that must know.
#[must_use]
pub fn wine() -> Option<String> {
    type GetVersion = unsafe extern "C" fn() -> *const std::ffi::c_char;

    // SAFETY: a string that ends with a null. Every process has this module, for ever.
    let ntdll = unsafe { GetModuleHandleA(c"ntdll.dll".as_ptr().cast()) };
    // SAFETY: a module's handle, and a string that ends with a null.
    let found = unsafe { GetProcAddress(ntdll, c"wine_get_version".as_ptr().cast()) }?;
    // SAFETY: Wine's export of this name takes nothing and gives a string; Windows has none.
    let get =
        unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, GetVersion>(found) };
    // SAFETY: as above.
    let version = unsafe { get() };
    // SAFETY: a constant of Wine's that ends with a null.
    let version = unsafe { CStr::from_ptr(version) };
    Some(version.to_string_lossy().into_owned())
}
