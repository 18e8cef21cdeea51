//! The INF, from its source: what `stampinf` does to it on Windows, with `-a`, `-d`, `-v` and `-k`.

use super::{identity::Identity, problem::Problem};
use std::path::Path;

/// The architecture, as the decorations of an INF's sections name it.
const ARCHITECTURE: &str = "amd64";

/// Fills the variables of `source`, which was read from `path`, and the `DriverVer` directive.
/// Lines end as Windows ends them.
///
/// # Errors
///
/// If a variable is left.
pub fn stamp(source: &str, path: &Path, identity: &Identity) -> Result<String, Problem> {
    let (date, version) = (identity.driver_date()?, identity.driver_version());
    let mut inf = String::with_capacity(source.len());
    for line in source.lines() {
        let line = line
            .replace("$ARCH$", ARCHITECTURE)
            .replace("$KMDFVERSION$", &identity.kmdf_version());
        if let Some(variable) = variable(&line) {
            return Err(Problem::InfVariable {
                path: path.to_owned(),
                variable: variable.to_owned(),
            });
        }
        let is_version = line
            .split_once('=')
            .is_some_and(|(name, _)| name.trim_end().eq_ignore_ascii_case("DriverVer"));
        if is_version {
            inf.extend(["DriverVer   = ", &date, ",", &version]);
        } else {
            inf.push_str(&line);
        }
        inf.push_str("\r\n");
    }
    Ok(inf)
}

/// A variable in `line`: capital letters between dollars. `$WINDOWS NT$`, a signature, is none.
fn variable(line: &str) -> Option<&str> {
    line.match_indices('$').find_map(|(at, _)| {
        let name = line.get(at + 1..)?;
        let length = name.find(|letter: char| !letter.is_ascii_uppercase())?;
        let closed = length > 0 && name[length..].starts_with('$');
        closed.then(|| &line[at..at + length + 2])
    })
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn variables_are_told_from_signatures() {
        assert_eq!(variable("[DefaultInstall.NT$ARCH$]"), Some("$ARCH$"));
        assert_eq!(variable("Signature = \"$WINDOWS NT$\""), None);
        assert_eq!(variable("costs $5, $$, or $"), None);
    }
}
