// error[E0133]: call to unsafe function `CallerMode::new` is unsafe and requires unsafe block

use usermode_accessors::{CallerMode, Mode};

pub fn trust() -> CallerMode {
    CallerMode::new(Mode::Kernel)
}
