// error[E0277]: `Response` has 4 total byte(s) of padding

use zerocopy::{Immutable, IntoBytes};

#[derive(Immutable, IntoBytes)]
#[repr(C)]
pub struct Response {
    count: u32,
    address: u64,
}
