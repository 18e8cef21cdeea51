//! Makes the INF from its source, as `stampinf` does on Windows with `-a`, `-d`, `-v` and `-k`.

use super::identity::Identity;
use anyhow::{Result, bail};
use std::path::Path;

/// The architecture, as in the decorations of an INF's sections.
const ARCHITECTURE: &str = "amd64";

/// Fills the variables of `source`, which was read from `path`, and the `DriverVer` directive. The lines
/// of the result end as on Windows.
pub fn stamp(source: &str, path: &Path, identity: &Identity) -> Result<String> {
    let (date, version) = (identity.driver_date()?, identity.driver_version());
    let mut inf = String::with_capacity(source.len());
    for line in source.lines() {
        let line = line
            .replace("$ARCH$", ARCHITECTURE)
            .replace("$KMDFVERSION$", &identity.kmdf_version());
        if let Some(variable) = variable(&line) {
            bail!("{} holds {variable}, which nothing fills", path.display());
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

/// Returns the variable in `line`: capital letters between dollars. `$WINDOWS NT$`, a signature, is
/// none.
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
    fn variables_are_distinguished_from_signatures() {
        assert_eq!(variable("[DefaultInstall.NT$ARCH$]"), Some("$ARCH$"));
        assert_eq!(variable("Signature = \"$WINDOWS NT$\""), None);
        assert_eq!(variable("costs $5, $$, or $"), None);
    }
}
