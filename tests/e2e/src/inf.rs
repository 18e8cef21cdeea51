//! A parser of INFs: sections with entries ("General Syntax Rules for INF Files"). Names are compared
//! without regard to case, and sections of one name are merged.

/// A line of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The text before the equals sign.
    pub key: Option<String>,
    /// The text after the equals sign, or the whole line, split at commas and without quotes.
    pub values: Vec<String>,
}

impl Entry {
    /// Returns a value, or nothing if the line has fewer.
    #[must_use]
    pub fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }

    /// Returns whether this is the directive of that name.
    #[must_use]
    pub fn is(&self, directive: &str) -> bool {
        let key = self.key.as_deref().unwrap_or_default();
        key.eq_ignore_ascii_case(directive)
    }
}

/// A parsed INF.
#[derive(Debug)]
pub struct Inf(Vec<(String, Vec<Entry>)>);

impl Inf {
    /// Reads an INF.
    ///
    /// # Errors
    /// If a line belongs to no section, or a quotation does not end.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut sections: Vec<(String, Vec<Entry>)> = Vec::new();
        let mut current = None;
        for line in text.lines() {
            let line = without_comment(line)?.trim();
            if let Some(name) = line.strip_prefix('[') {
                let name = name
                    .strip_suffix(']')
                    .ok_or_else(|| format!("{line} does not end"))?;
                let known = sections
                    .iter()
                    .position(|(known, _)| known.eq_ignore_ascii_case(name));
                current = Some(known.unwrap_or_else(|| {
                    sections.push((name.to_owned(), Vec::new()));
                    sections.len() - 1
                }));
            } else if !line.is_empty() {
                let section = current.ok_or_else(|| format!("{line} is in no section"))?;
                sections[section].1.push(entry(line));
            }
        }
        Ok(Self(sections))
    }

    /// Returns the names of its sections.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the entries of a section, if it exists.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[Entry]> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, entries)| entries.as_slice())
    }

    /// Returns all entries, each with its section.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0
            .iter()
            .flat_map(|(name, entries)| entries.iter().map(move |entry| (name.as_str(), entry)))
    }

    /// Returns the first directive of that name in that section.
    #[must_use]
    pub fn directive(&self, section: &str, name: &str) -> Option<&Entry> {
        self.section(section)?.iter().find(|entry| entry.is(name))
    }

    /// Returns the first value of a directive, with `%tokens%` replaced by their strings.
    #[must_use]
    pub fn text(&self, section: &str, name: &str) -> Option<String> {
        let value = self.directive(section, name)?.value(0);
        let token = value
            .strip_prefix('%')
            .and_then(|rest| rest.strip_suffix('%'));
        token.map_or_else(
            || Some(value.to_owned()),
            |token| self.text("Strings", token),
        )
    }
}

/// Returns the line up to a semicolon that is not quoted.
fn without_comment(line: &str) -> Result<&str, String> {
    let mut quoted = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ';' if !quoted => return Ok(&line[..at]),
            _ => {}
        }
    }
    if quoted {
        return Err(format!("a quotation does not end: {line}"));
    }
    Ok(line)
}

fn entry(line: &str) -> Entry {
    let (key, values) = match split(line, '=').as_slice() {
        [key, _, ..] => (Some(key.clone()), &line[line.find('=').unwrap_or(0) + 1..]),
        _ => (None, line),
    };
    Entry {
        key,
        values: split(values, ','),
    }
}

/// Splits `line` at separators that are not quoted. The parts are trimmed and without quotes.
fn split(line: &str, separator: char) -> Vec<String> {
    let mut quoted = false;
    line.split(|letter| {
        if letter == '"' {
            quoted = !quoted;
        }
        letter == separator && !quoted
    })
    .map(|part| part.trim().trim_matches('"').to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_one_name_are_merged_and_comments_skipped() {
        let inf = Inf::parse("[A] ; first\r\nx = 1\r\n[b]\r\n[a]\r\nY = \"2;3\", 4\r\n").unwrap();
        assert_eq!(inf.sections().collect::<Vec<_>>(), ["A", "b"]);
        let entry = inf.directive("a", "y").unwrap();
        assert_eq!(entry.values, ["2;3", "4"]);
    }

    #[test]
    fn entries_without_a_key_are_lists() {
        let inf = Inf::parse("[a]\nHKR, Parameters, Policy, 0x00010003, 0\n").unwrap();
        let entry = &inf.section("a").unwrap()[0];
        assert_eq!(entry.key, None);
        assert_eq!((entry.value(3), entry.value(9)), ("0x00010003", ""));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["x = 1", "[a", "[a]\nx = \"b"] {
            assert!(Inf::parse(text).is_err(), "{text}");
        }
    }
}
