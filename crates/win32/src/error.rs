//! The error of the last call.

use std::{fmt, io};
use windows_sys::Win32::Foundation::GetLastError;

/// A Win32 error code ([MS-ERREF] section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Win32Error(pub u32);

impl Win32Error {
    /// Returns the calling thread's last error.
    #[must_use]
    pub(crate) fn last() -> Self {
        // SAFETY: reads a word of the calling thread's; there is nothing to uphold.
        Self(unsafe { GetLastError() })
    }
}

impl fmt::Display for Win32Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0.cast_signed()).fmt(f)
    }
}

impl std::error::Error for Win32Error {}
