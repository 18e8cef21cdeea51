//! `ringcopy info`.

use ringcopy_client::cli::SUCCESS;

use crate::{operations, run};

#[test]
fn info_for_people_and_for_machines() {
    let people = run(&["info"]);
    assert_eq!(people.code, SUCCESS);
    assert!(
        people.out.contains("system virtual, physical"),
        "{}",
        people.out
    );
    let document = run(&["info", "--json"]).json();
    assert_eq!(document["command"], "info");
    assert_eq!(document["information"]["driver_version"], "0.1.0");
    assert_eq!(document["information"]["user_limit"], "0x7fffffff0000");
    assert_eq!(operations(&document).len(), 1);
}
