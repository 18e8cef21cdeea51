//! `ringcopy info`.

use crate::{operations, run};

#[test]
fn info_is_printed_as_text_and_as_a_document() {
    let text = run("info");
    text.succeeded();
    text.out_has("system virtual, physical");
    let document = run("info --json").json();
    assert_eq!(document["command"], "info");
    assert_eq!(document["information"]["driver_version"], "0.1.0");
    assert_eq!(document["information"]["user_limit"], "0x7fffffff0000");
    assert_eq!(operations(&document).len(), 1);
}
