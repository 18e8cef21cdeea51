//! The settings with which Windows installs itself, as an unattend file. Windows' set-up looks for `autounattend.xml` on
//! every disc.
//!
//! Sources: "Unattended Windows Setup Reference" for the elements, "Windows Setup Automation Overview"
//! for the name and the search.

/// The name of the file on the disc.
pub const NAME: &str = "autounattend.xml";

/// The name of the script that the first logon runs, and its text.
pub const FIRST_LOGON: (&str, &str) = ("first-logon.cmd", include_str!("first-logon.cmd"));

/// The name of the script that every logon runs, and its text.
pub const START_GUEST: (&str, &str) = ("start-guest.cmd", include_str!("start-guest.cmd"));

const TEMPLATE: &str = include_str!("autounattend.xml");

/// Returns the settings for an edition, with a product key if the disc asks for one.
pub fn text(edition: &str, product_key: Option<&str>) -> String {
    let key = product_key.map_or_else(String::new, |key| format!("<Key>{}</Key>", escaped(key)));
    TEMPLATE
        .replace("$EDITION$", &escaped(edition))
        .replace("$KEY$", &key)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{FIRST_LOGON, START_GUEST, text};
    use roxmltree::{Document, Node};
    use std::collections::BTreeSet;

    /// The documented elements of each component, with the passes that read them: component, path, passes.
    ///
    /// Source: "Unattended Windows Setup Reference", which has a page for each row. Its address is
    /// `https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/` and the row's component
    /// and path, in lower case and with hyphens. Each row was compared with its page of December 2018, as
    /// in the public repository `commercialization-public`: the name, its parents, and its passes.
    const DOCUMENTED: &str = include_str!("documented_settings.tsv");

    /// Returns component, path and pass of each element that has no child.
    fn settings(document: &Document<'_>) -> Vec<(String, String, String)> {
        let mut settings = Vec::new();
        for component in document
            .descendants()
            .filter(|node| node.has_tag_name_of("component"))
        {
            let pass = component
                .parent()
                .and_then(|pass| pass.attribute("pass"))
                .unwrap();
            let name = component.attribute("name").unwrap();
            let leaves = component.descendants().filter(|node| {
                node.is_element() && !node.children().any(|child| child.is_element())
            });
            for leaf in leaves {
                let mut path: Vec<&str> = leaf
                    .ancestors()
                    .take_while(|node| *node != component)
                    .map(|node| node.tag_name().name())
                    .collect();
                path.reverse();
                settings.push((name.to_owned(), path.join("/"), pass.to_owned()));
            }
        }
        settings
    }

    trait HasName {
        fn has_tag_name_of(&self, name: &str) -> bool;
    }

    impl HasName for Node<'_, '_> {
        fn has_tag_name_of(&self, name: &str) -> bool {
            self.is_element() && self.tag_name().name() == name
        }
    }

    #[test]
    fn every_setting_is_documented_for_its_pass() {
        let documented: BTreeSet<(String, String, String)> = DOCUMENTED
            .lines()
            .skip(1)
            .flat_map(|line| {
                let mut columns = line.split('\t').map(str::to_owned);
                let (component, path) = (columns.next().unwrap(), columns.next().unwrap());
                let passes = columns.next().unwrap();
                passes
                    .split(' ')
                    .map(|pass| (component.clone(), path.clone(), pass.to_owned()))
                    .collect::<Vec<_>>()
            })
            .collect();
        let text = text("Windows 11 Pro", Some("KEY"));
        let settings = settings(&Document::parse(&text).unwrap());
        assert!(settings.len() > 30, "{}", settings.len());
        for setting in settings {
            assert!(
                documented.contains(&setting),
                "{setting:?} is not documented"
            );
        }
    }

    #[test]
    fn edition_and_key_arrive_as_they_are() {
        for (edition, key) in [("Windows <&> \"N\"", None), ("A", Some("A-B"))] {
            let text = text(edition, key);
            let document = Document::parse(&text).unwrap();
            let of = |name: &str| {
                document
                    .descendants()
                    .find(|node| node.has_tag_name_of(name))
                    .and_then(|node| node.text())
                    .map(str::to_owned)
            };
            assert_eq!(of("Value").as_deref(), Some(edition));
            assert_eq!(of("Key").filter(|key| key != "/IMAGE/NAME"), {
                // The first `Key` of the file is that of the edition's `MetaData`.
                None
            });
            let product = document
                .descendants()
                .find(|node| node.has_tag_name_of("ProductKey"))
                .unwrap();
            let found = product.children().find(|node| node.has_tag_name_of("Key"));
            assert_eq!(found.and_then(|node| node.text()), key);
        }
    }

    /// The command interpreter reads a script with other line ends wrongly where it has labels.
    #[test]
    fn scripts_have_the_line_ends_that_discs_are_made_with() {
        for (name, text) in [FIRST_LOGON, START_GUEST] {
            assert!(text.is_ascii(), "{name}");
            assert!(!text.contains('\r'), "{name}");
            assert!(
                !text.lines().any(|line| line.starts_with(':')),
                "{name} has a label"
            );
        }
    }
}
