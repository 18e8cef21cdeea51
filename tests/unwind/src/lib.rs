//! What Windows would believe about the accessors' routines for Arm when one of them faults.
//!
//! Nothing here runs that code. The unwind data of the built library is decoded, and each routine's is
//! held against its instructions: who handles its exceptions, which instructions are guarded and
//! where each guard leads, and what unwinding restores.
//!
//! - [`guarded_routine`] takes routines out of the library's object files;
//! - [`codes`] reads unwind codes;
//! - [`instruction`] knows of an instruction what the checks ask;
//! - [`check`] is what must hold.
//!
//! Source: "ARM64 exception handling", Microsoft C++ documentation; "PE Format", Windows
//! documentation; Arm Architecture Reference Manual for A-profile.

#![forbid(unsafe_code)]

pub mod check;
pub mod codes;
pub mod guarded_routine;
pub mod instruction;
