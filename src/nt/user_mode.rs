//! The image in a process of user mode.

/// Lets the image serve requests where a stand-in has loaded it into a process, as in Wine.
pub fn allow_test_processes() {
    // SAFETY: Windows runs this image in kernel mode, where the call has no effect. A process that loads
    // it is a test program, and its requests name memory that was set aside for them.
    unsafe { usermode_accessors::allow_in_user_mode() };
}
