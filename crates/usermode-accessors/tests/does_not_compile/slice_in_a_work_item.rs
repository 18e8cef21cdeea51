// error[E0277]: `*const ()` cannot be sent between threads safely

use usermode_accessors::UserSlice;

pub fn defer(request: UserSlice) {
    queue(move || drop(request.reader()));
}

fn queue(_: impl FnOnce() + Send) {}
