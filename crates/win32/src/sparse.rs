//! Files that store nothing for their holes.

use crate::Win32Error;
use std::{
    fs::File,
    os::windows::io::AsRawHandle,
    ptr::{null, null_mut},
};
use windows_sys::Win32::System::{IO::DeviceIoControl, Ioctl::FSCTL_SET_SPARSE};

/// Makes a file sparse: the file system stores nothing for what is not written.
///
/// Source: "`FSCTL_SET_SPARSE` control code": without it, NTFS stores zeros.
///
/// # Errors
/// What `DeviceIoControl` fails with, for example if the file system has no sparse files.
pub fn make_sparse(file: &File) -> Result<(), Win32Error> {
    let mut returned = 0;
    // SAFETY: an open handle that is not for overlapped requests, no buffers, and a local.
    let done = unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            FSCTL_SET_SPARSE,
            null(),
            0,
            null_mut(),
            0,
            &raw mut returned,
            null_mut(),
        )
    };
    if done == 0 {
        return Err(Win32Error::last());
    }
    Ok(())
}
