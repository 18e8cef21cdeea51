// error[E0277]: `*const ()` cannot be sent between threads safely

use usermode_accessors::UserReader;

pub fn defer(mut reader: UserReader) {
    queue(move || drop(reader.read(&mut [])));
}

fn queue(_: impl FnOnce() + Send) {}
