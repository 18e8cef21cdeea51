//! Checks of the unwind data of the accessors' guarded routines for Arm. Windows uses this data when a
//! routine faults.
//!
//! The code does not run. The unwind data of the built library is decoded, and compared with the
//! instructions of each routine: the handler of its exceptions, the guarded instructions, the landing
//! pads, and what unwinding restores.
//!
//! - [`guarded_routine`] reads routines from the object files of the library;
//! - [`codes`] decodes unwind codes;
//! - [`instruction`] decodes what the checks need of an instruction;
//! - [`check`] makes the checks.
//!
//! Source: "ARM64 exception handling", Microsoft C++ documentation; "PE Format", Windows
//! documentation; Arm Architecture Reference Manual for A-profile.

#![forbid(unsafe_code)]

pub mod check;
pub mod codes;
pub mod guarded_routine;
pub mod instruction;
