//! The archive that this machine installs from, so that another suite can be had from the same mirror.

use crate::program;
use fs_err as fs;

/// The keys of Debian's archive.
pub const DEBIAN_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Names, besides its codename, that the machine's release can have in its apt sources.
const ALIASES: [&str; 4] = ["stable", "testing", "unstable", "sid"];

/// Returns the address of the archive that this machine's release comes from, if it is a release of
/// `distribution`, as in `debian`.
pub fn of_this_machine(distribution: &str) -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    if os_release_field(&release, "ID")? != distribution {
        return None;
    }
    let codename = os_release_field(&release, "VERSION_CODENAME").unwrap_or("sid");
    let mut apt = program::named("apt-get");
    let indexes = program::output_of(apt.args(["update", "--print-uris"])).ok()?;
    among(&indexes, codename)
}

/// Returns the archive that serves `codename` under that name, or else under an alias: other archives
/// use the aliases for their own releases.
fn among(indexes: &str, codename: &str) -> Option<String> {
    let archives = || indexes.lines().filter_map(archive_and_suite);
    archives()
        .find(|(_, suite)| *suite == codename)
        .or_else(|| archives().find(|(_, suite)| ALIASES.contains(suite)))
        .map(|(archive, _)| archive.to_owned())
}

/// Parses a line that apt prints for an index of packages:
/// `'ARCHIVE/dists/SUITE/main/binary-amd64/Packages.xz' ...`.
fn archive_and_suite(line: &str) -> Option<(&str, &str)> {
    let (suite, _) = line.strip_prefix('\'')?.split_once("/main/binary-")?;
    suite.rsplit_once("/dists/")
}

/// Returns a field of `/etc/os-release`, without quotes.
fn os_release_field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .map(|value| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codename_comes_before_the_aliases_of_other_archives() {
        let indexes = "\
'http://browser.example/deb/dists/stable/main/binary-amd64/Packages.xz' a 0
'http://source.example/debian/dists/trixie/main/source/Sources.xz' b 0
'http://other.example/apt/dists/trixie/other/binary-amd64/Packages.xz' c 0
'http://security.example/debian/dists/trixie-security/main/binary-amd64/Packages.xz' d 0
'http://archive.example/debian/dists/trixie/main/binary-amd64/Packages.xz' e 0
";
        for (codename, archive) in [
            ("trixie", Some("http://archive.example/debian")),
            ("forky", Some("http://browser.example/deb")),
        ] {
            assert_eq!(among(indexes, codename).as_deref(), archive, "{codename}");
        }
        assert_eq!(
            among("Hit:1 http://archive.example/debian\n", "trixie"),
            None
        );
    }

    #[test]
    fn os_release_fields_are_found_by_their_whole_name() {
        let text = "VERSION_ID=\"12\"\nID=debian\nVERSION_CODENAME=bookworm\n";
        assert_eq!(os_release_field(text, "ID"), Some("debian"));
        assert_eq!(os_release_field(text, "VERSION_ID"), Some("12"));
        assert_eq!(os_release_field(text, "VERSION"), None);
    }
}
