//! The archive that this machine installs from, out of its own apt sources, so that another
//! suite can be asked for at the same place and under the same keys.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Names under which the release that a machine runs can stand in its sources besides its own.
const ALIASES: [&str; 4] = ["stable", "testing", "unstable", "sid"];

/// Where an archive is, and what signs it.
#[derive(Debug, PartialEq, Eq)]
pub struct Archive {
    pub uri: String,
    /// As in a `Signed-By` field: a file, or the key itself in indented lines.
    pub signed_by: Option<String>,
}

/// One entry of an apt source file, as far as it matters here.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    pub signed_by: Option<String>,
}

impl Archive {
    /// The archive of the release that this machine runs. None if that is not one of
    /// `distribution`'s, as in `debian`.
    pub fn of_this_machine(distribution: &str) -> Option<Self> {
        let release = fs::read_to_string("/etc/os-release").ok()?;
        if os_release_field(&release, "ID")? != distribution {
            return None;
        }
        let codename = os_release_field(&release, "VERSION_CODENAME").unwrap_or("sid");
        let entries = source_files().into_iter().flat_map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if path
                .extension()
                .is_some_and(|extension| extension == "sources")
            {
                deb822_entries(&text)
            } else {
                one_line_entries(&text)
            }
        });
        Self::among(entries, codename)
    }

    /// The archive that serves the release `codename`: under that name, or else under one that other
    /// people's archives have for their own releases as well.
    fn among(entries: impl Iterator<Item = Entry>, codename: &str) -> Option<Self> {
        let mut entries: Vec<Entry> = entries
            .filter(|entry| entry.components.iter().any(|component| component == "main"))
            .collect();
        let has = |name: &dyn Fn(&str) -> bool| {
            entries
                .iter()
                .position(|entry| entry.suites.iter().any(|suite| name(suite)))
        };
        let found =
            has(&|suite| suite == codename).or_else(|| has(&|suite| ALIASES.contains(&suite)))?;
        let entry = entries.swap_remove(found);
        Some(Self {
            uri: entry.uri,
            signed_by: entry.signed_by,
        })
    }

    /// A source file's text for one suite of the archive.
    pub(super) fn entry_for(&self, suite: &str) -> String {
        let mut entry = format!(
            "Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n",
            self.uri
        );
        if let Some(signed_by) = &self.signed_by {
            let _ = writeln!(entry, "Signed-By: {signed_by}");
        }
        entry
    }
}

/// The machine's source files, in apt's order.
fn source_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "list" || extension == "sources")
        })
        .collect();
    files.sort();
    files.insert(0, Path::new("/etc/apt/sources.list").to_owned());
    files
}

/// A field of `/etc/os-release`, without quotes.
fn os_release_field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .map(|value| value.trim_matches('"'))
}

/// The entries of a `.list` file: `deb [option=value ...] uri suite component ...`.
fn one_line_entries(text: &str) -> Vec<Entry> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next()?.trim();
            let rest = line.strip_prefix("deb")?;
            if !rest.starts_with(char::is_whitespace) {
                return None;
            }
            let (options, rest) = match rest.trim_start().strip_prefix('[') {
                Some(rest) => rest.split_once(']')?,
                None => ("", rest),
            };
            let mut words = rest.split_whitespace().map(str::to_owned);
            Some(Entry {
                uri: words.next()?,
                suites: vec![words.next()?],
                components: words.collect(),
                signed_by: options
                    .split_whitespace()
                    .find_map(|option| option.strip_prefix("signed-by="))
                    .map(str::to_owned),
            })
        })
        .collect()
}

/// The entries of a `.sources` file: paragraphs of `Field: value`, in which a line that begins with
/// a blank goes on with the value before it, and a comment may stand anywhere.
fn deb822_entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .chain([""])
    {
        if line.trim().is_empty() {
            entries.extend(entry_of(&fields));
            fields.clear();
        } else if line.starts_with(char::is_whitespace) {
            if let Some((_, value)) = fields.last_mut() {
                let _ = write!(value, "\n{line}");
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    entries
}

/// The entry that a paragraph makes, unless it is turned off or for sources alone.
fn entry_of(fields: &[(String, String)]) -> Option<Entry> {
    let field = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    };
    let words = |name| -> Vec<String> {
        field(name)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    if field("enabled").is_some_and(|enabled| enabled.eq_ignore_ascii_case("no"))
        || !words("types").iter().any(|kind| kind == "deb")
    {
        return None;
    }
    Some(Entry {
        uri: words("uris").into_iter().next()?,
        suites: words("suites"),
        components: words("components"),
        signed_by: field("signed-by").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: &str = "\
# The archive.
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates
# Left out: non-free
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://archive.example/debian-security
Suites: bookworm-security
Components: main
";

    fn archive(uri: &str, signed_by: Option<&str>) -> Archive {
        Archive {
            uri: uri.to_owned(),
            signed_by: signed_by.map(str::to_owned),
        }
    }

    #[test]
    fn the_releases_archive_is_found_among_paragraphs() {
        assert_eq!(
            Archive::among(deb822_entries(SOURCES).into_iter(), "bookworm"),
            Some(archive(
                "http://archive.example/debian",
                Some("/usr/share/keyrings/archive.gpg")
            ))
        );
        assert_eq!(
            Archive::among(deb822_entries(SOURCES).into_iter(), "trixie"),
            None
        );
    }

    #[test]
    fn the_releases_archive_is_found_among_lines() {
        let list = "# deb http://off.example/debian bookworm main\n\
                    deb-src http://source.example/debian bookworm main\n\
                    deb [arch=amd64] http://other.example/apt stable other\n\
                    deb [ arch=amd64 signed-by=/keys/a.gpg ] http://archive.example/debian bookworm main\n";
        assert_eq!(
            Archive::among(one_line_entries(list).into_iter(), "bookworm"),
            Some(archive(
                "http://archive.example/debian",
                Some("/keys/a.gpg")
            ))
        );
    }

    #[test]
    fn an_archive_of_other_people_is_not_taken_for_its_stable_suite() {
        let list = "deb http://browser.example/deb stable main\n\
                    deb http://archive.example/debian trixie main\n";
        assert_eq!(
            Archive::among(one_line_entries(list).into_iter(), "trixie"),
            Some(archive("http://archive.example/debian", None))
        );
    }

    #[test]
    fn a_line_needs_no_options() {
        let list = "deb\thttp://archive.example/debian sid main # comment\n";
        assert_eq!(
            Archive::among(one_line_entries(list).into_iter(), "forky"),
            Some(archive("http://archive.example/debian", None))
        );
    }

    #[test]
    fn what_is_turned_off_is_not_an_entry() {
        let off = SOURCES.replacen("Types: deb deb-src", "Enabled: no\nTypes: deb", 1);
        let source = SOURCES.replacen("Types: deb deb-src", "Types: deb-src", 1);
        for text in [off, source] {
            let entries = deb822_entries(&text);
            assert_eq!(entries.len(), 1, "{text}");
            assert_eq!(entries[0].suites, ["bookworm-security"]);
        }
    }

    #[test]
    fn a_key_within_the_entry_is_carried_over_whole() {
        let key = "Signed-By:\n -----BEGIN KEY-----\n .\n abc\n -----END KEY-----";
        let text = SOURCES.replacen("Signed-By: /usr/share/keyrings/archive.gpg", key, 1);
        let archive = Archive::among(deb822_entries(&text).into_iter(), "bookworm");
        let entry = archive.map(|archive| archive.entry_for("sid"));
        assert_eq!(
            entry.as_deref(),
            Some(
                "Types: deb\nURIs: http://archive.example/debian\nSuites: sid\nComponents: main\n\
                 Signed-By: \n -----BEGIN KEY-----\n .\n abc\n -----END KEY-----\n"
            )
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
