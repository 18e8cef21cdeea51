// error[E0277]: `*const ()` cannot be sent between threads safely

use usermode_accessors::CallerMode;

pub fn defer(caller: CallerMode) {
    queue(move || drop(caller.slice(0, 0)));
}

fn queue(_: impl FnOnce() + Send) {}
