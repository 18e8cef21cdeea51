//! The token of this process: its rights.

use crate::{Win32Error, wide::wide};
use std::{
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr::{null, null_mut},
};
use windows_sys::Win32::{
    Foundation::{ERROR_NOT_ALL_ASSIGNED, LUID},
    Security::{
        AdjustTokenPrivileges, GetTokenInformation, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW,
        SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_ELEVATION, TOKEN_PRIVILEGES,
        TOKEN_QUERY, TokenElevation,
    },
    System::Threading::{GetCurrentProcess, OpenProcessToken},
};

/// The token of this process.
#[derive(Debug)]
pub struct Token(OwnedHandle);

impl Token {
    /// Opens the token.
    ///
    /// # Errors
    /// What `OpenProcessToken` fails with.
    pub fn of_this_process() -> Result<Self, Win32Error> {
        let mut handle = null_mut();
        // SAFETY: takes nothing, and gives a handle that need not be closed.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: this process's handle, and a local for the result.
        let opened = unsafe {
            OpenProcessToken(
                process,
                TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES,
                &raw mut handle,
            )
        };
        if opened == 0 {
            return Err(Win32Error::last());
        }
        // SAFETY: the handle was just opened, and no other code knows it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Returns whether it is an administrator's full token.
    ///
    /// # Errors
    /// What `GetTokenInformation` fails with.
    pub fn is_elevated(&self) -> Result<bool, Win32Error> {
        const SIZE: u32 = 4;
        const { assert!(size_of::<TOKEN_ELEVATION>() == SIZE as usize) };
        let mut elevation = TOKEN_ELEVATION::default();
        let mut length = 0;
        // SAFETY: an open token, and a local of the class's type whose size is passed.
        let done = unsafe {
            GetTokenInformation(
                self.0.as_raw_handle(),
                TokenElevation,
                (&raw mut elevation).cast(),
                SIZE,
                &raw mut length,
            )
        };
        if done == 0 {
            return Err(Win32Error::last());
        }
        Ok(elevation.TokenIsElevated != 0)
    }

    /// Enables a privilege by its name, such as `SeDebugPrivilege`. Returns whether the token has
    /// it.
    ///
    /// # Errors
    /// What the system fails with for another reason.
    pub fn enable(&self, privilege: &str) -> Result<bool, Win32Error> {
        let name = wide(privilege);
        let mut luid = LUID::default();
        // SAFETY: a string that outlives the call and ends with a null, and a local.
        let found = unsafe { LookupPrivilegeValueW(null(), name.as_ptr(), &raw mut luid) };
        if found == 0 {
            return Err(Win32Error::last());
        }
        let privileges = TOKEN_PRIVILEGES {
            PrivilegeCount: 1,
            Privileges: [LUID_AND_ATTRIBUTES {
                Luid: luid,
                Attributes: SE_PRIVILEGE_ENABLED,
            }],
        };
        // SAFETY: an open token, one privilege in a local, and no wish for what was before.
        let adjusted = unsafe {
            AdjustTokenPrivileges(
                self.0.as_raw_handle(),
                0,
                &raw const privileges,
                0,
                null_mut(),
                null_mut(),
            )
        };
        // The call also succeeds without the privilege; the last error says so.
        match Win32Error::last() {
            error if adjusted == 0 => Err(error),
            Win32Error(ERROR_NOT_ALL_ASSIGNED) => Ok(false),
            _ => Ok(true),
        }
    }
}
