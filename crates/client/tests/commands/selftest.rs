//! `ringcopy selftest`.

use ringcopy_client::cli::FAILURE;

use crate::{driver::SimulatedDriver, operations, run, run_with};

#[test]
fn selftest_fits_on_a_screen_and_passes() {
    let output = run("selftest");
    output.succeeded();
    let lines: Vec<_> = output.out.lines().collect();
    assert!(lines.len() <= 45, "{} lines", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= 120, "{line}");
    }
    let last = lines.last().unwrap();
    assert!(last.ends_with(" passed, 0 failed, 0 skipped"), "{last}");
    let column = |row: &str| row.find("STATUS_");
    let rows: Vec<_> = lines.iter().filter(|line| line.starts_with("  ")).collect();
    for row in &rows {
        assert!(row.ends_with(" ok"), "{row}");
        assert_eq!(column(row), column(rows[0]), "{row}");
    }
}

#[test]
fn selftest_reports_every_case_in_the_document() {
    let document = run("selftest --json").json();
    let operations = operations(&document);
    assert!(operations.len() >= 40);
    assert!(operations.iter().all(|case| case["passed"] == true));
    assert_eq!(document["counts"]["failed"], 0);
    assert_eq!(document["skipped"].as_array().unwrap().len(), 0);
}

#[test]
fn selftest_of_a_defective_driver_exits_with_1() {
    let output = run_with(SimulatedDriver::losing_last_bytes, "selftest");
    assert_eq!(output.code, FAILURE);
    output.out_has("FAILED: byte ");
    let document = run_with(SimulatedDriver::losing_last_bytes, "selftest --json").json();
    assert_eq!(document["succeeded"], false);
}
