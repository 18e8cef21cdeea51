// error[E0599]: no method named `clone` found for struct `UserSlice` in the current scope

use usermode_accessors::UserSlice;

pub fn spare(request: UserSlice) {
    drop(request.clone());
}
