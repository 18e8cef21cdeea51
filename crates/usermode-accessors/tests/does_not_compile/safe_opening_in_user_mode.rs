// error[E0133]: call to unsafe function `allow_in_user_mode` is unsafe and requires unsafe block

pub fn open() {
    usermode_accessors::allow_in_user_mode();
}
