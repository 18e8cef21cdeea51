// error[E0609]: no field `length` on type `Request`

use usermode_accessors::{UserPtr, user_field};

#[repr(C)]
pub struct Request {
    size: u32,
}

pub fn length(request: UserPtr<Request>) -> UserPtr<u32> {
    user_field!(request, Request, length)
}
