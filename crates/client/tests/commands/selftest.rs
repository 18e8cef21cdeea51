//! `ringcopy selftest`.

use ringcopy_client::cli::{FAILURE, SUCCESS};

use crate::{driver::SimulatedDriver, operations, run, run_with};

#[test]
fn selftest_fits_a_screen_and_says_ok() {
    let output = run(&["selftest"]);
    assert_eq!(
        (output.code, output.err.as_str()),
        (SUCCESS, ""),
        "{}",
        output.out
    );
    let lines: Vec<_> = output.out.lines().collect();
    assert!(lines.len() <= 45, "{} lines", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(
        lines
            .last()
            .unwrap()
            .ends_with(" passed, 0 failed, 0 skipped")
    );
    let rows: Vec<_> = lines.iter().filter(|line| line.starts_with("  ")).collect();
    assert!(
        rows.iter().all(|row| row.ends_with(" ok")),
        "{}",
        output.out
    );
    let column = |row: &str| row.find("STATUS_");
    assert!(
        rows.iter().all(|row| column(row) == column(rows[0])),
        "{}",
        output.out
    );
}

#[test]
fn selftest_reports_every_case_to_machines() {
    let document = run(&["selftest", "--json"]).json();
    let operations = operations(&document);
    assert!(operations.len() >= 40);
    assert!(
        operations
            .iter()
            .all(|operation| operation["passed"] == true)
    );
    assert_eq!(document["counts"]["failed"], 0);
    assert_eq!(document["skipped"].as_array().unwrap().len(), 0);
}

#[test]
fn selftest_of_a_bad_driver_exits_with_1() {
    let output = run_with(SimulatedDriver::sloppy, &["selftest"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.out.contains("FAILED: byte "), "{}", output.out);
    assert_eq!(
        run_with(SimulatedDriver::sloppy, &["selftest", "--json"]).json()["succeeded"],
        false
    );
}
