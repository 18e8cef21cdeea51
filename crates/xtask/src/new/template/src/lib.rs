//! A KMDF driver with one control device and one `METHOD_NEITHER` request.
//!
//! - [`handler`] has the request, and no `unsafe`. Start your changes here.
//! - [`framework`] has the entry point and the callback, and calls the framework.

#![no_std]
#![deny(unsafe_code)]

#[expect(
    unsafe_code,
    reason = "the framework calls it, and it calls the framework"
)]
mod framework;
mod handler;

// Links the panic handler.
extern crate wdk_panic as _;
