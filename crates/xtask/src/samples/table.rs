//! The table that is printed, for the README.

/// A sample, and what became of it.
pub struct Row {
    /// Its name.
    pub sample: String,
    /// Its checkout and commit.
    pub commit: String,
    pub built: bool,
    /// Whether its entry point returned success.
    pub loaded: bool,
    /// The steps that it was driven with, if any.
    pub driven: Option<String>,
    /// A sentence of the build or of the lab.
    pub verdict: String,
}

/// Returns the rows as a table of Markdown.
pub fn of(rows: &[Row]) -> String {
    let mut table = "| sample | commit | built | loaded | driven | verdict |\n\
                     | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let yes = |is| if is { "yes" } else { "no" };
    for row in rows {
        let cells = [
            &format!("`{}`", row.sample),
            &row.commit,
            yes(row.built),
            yes(row.loaded),
            row.driven.as_deref().unwrap_or("no"),
            &row.verdict,
        ]
        .map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        table.extend(["| ", &cells.join(" | "), " |\n"]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readmes_table_is_one_of_these() {
        let readme = fs_err::read_to_string(crate::paths::root().join("README.md")).unwrap();
        assert!(readme.contains(&of(&[])));
    }

    #[test]
    fn a_row_is_a_line() {
        let row = Row {
            sample: "a".to_owned(),
            commit: "b 1".to_owned(),
            built: true,
            loaded: false,
            driven: None,
            verdict: "c | d\ne".to_owned(),
        };
        let table = of(&[row]);
        assert_eq!(
            table.lines().last(),
            Some("| `a` | b 1 | yes | no | no | c \\| d e |")
        );
    }
}
