//! What of an image depends on the sources and on the contract with Windows, and not on the linker.

use super::bind_information::BindInformation;
use anyhow::{Context as _, Result};
use object::{
    LittleEndian as LE,
    read::pe::{ImageThunkData as _, Import, PeFile64},
};
use std::collections::{BTreeMap, BTreeSet};

/// Functions that a linker takes from the kernel's exports or from a static library, whichever it finds
/// first: the two builds may differ in them.
const OF_THE_LINKERS_CHOICE: [&str; 8] = [
    "__C_specific_handler",
    "__chkstk",
    "_fltused",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "strlen",
];

/// The compared properties.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    machine: u16,
    subsystem: u16,
    /// The DLL characteristics: protections that the image asks the loader for.
    protections: u16,
    /// Modules in lower case, each with the functions that are imported from it.
    imports: BTreeMap<String, BTreeSet<String>>,
    /// Sections with their flags.
    sections: BTreeMap<String, u32>,
    bind_information: BindInformation,
}

impl Image {
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let image = PeFile64::parse(bytes).context("not an image for 64-bit Windows")?;
        let headers = image.nt_headers();
        Ok(Self {
            machine: headers.file_header.machine.get(LE),
            subsystem: headers.optional_header.subsystem.get(LE),
            protections: headers.optional_header.dll_characteristics.get(LE),
            imports: imports(&image)?,
            sections: image
                .section_table()
                .iter()
                .map(|section| {
                    let name = String::from_utf8_lossy(section.raw_name()).into_owned();
                    (name, section.characteristics.get(LE))
                })
                .collect(),
            bind_information: BindInformation::of(bytes, &image)?,
        })
    }

    /// Returns a sentence for each difference that matters. `self` was built on Linux.
    pub fn differences(&self, windows: &Self) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut compare = |what: &str, linux: String, windows: String| {
            if linux != windows {
                sentences.push(format!("{what}: {linux} on Linux, {windows} on Windows"));
            }
        };
        for (what, linux, windows) in [
            ("machine", self.machine, windows.machine),
            ("subsystem", self.subsystem, windows.subsystem),
            ("protections", self.protections, windows.protections),
        ] {
            compare(what, format!("{linux:#x}"), format!("{windows:#x}"));
        }
        compare(
            "bind information",
            format!("{:?}", self.bind_information),
            format!("{:?}", windows.bind_information),
        );
        for (name, linux) in &self.sections {
            if let Some(windows) = windows.sections.get(name) {
                compare(
                    &format!("flags of section {name}"),
                    format!("{linux:#x}"),
                    format!("{windows:#x}"),
                );
            }
        }
        let imported = |image: &Self| -> BTreeSet<String> {
            named(&image.imports, |function| {
                !OF_THE_LINKERS_CHOICE.contains(&function)
            })
        };
        let (linux, windows) = (imported(self), imported(windows));
        let only = |of: &BTreeSet<String>, other: &BTreeSet<String>, system: &str| {
            of.difference(other)
                .map(|import| format!("imported only on {system}: {import}"))
                .collect::<Vec<_>>()
        };
        sentences.extend(only(&linux, &windows, "Linux"));
        sentences.extend(only(&windows, &linux, "Windows"));
        sentences
    }

    /// Returns a sentence for each difference that a linker may make.
    pub fn notes(&self, windows: &Self) -> Vec<String> {
        let chosen = |image: &Self| {
            named(&image.imports, |function| {
                OF_THE_LINKERS_CHOICE.contains(&function)
            })
        };
        let sections = |image: &Self| image.sections.keys().cloned().collect::<BTreeSet<_>>();
        [
            ("import", chosen(self), chosen(windows)),
            ("section", sections(self), sections(windows)),
        ]
        .into_iter()
        .flat_map(|(what, linux, windows)| {
            let both = linux.symmetric_difference(&windows);
            both.map(|name| {
                let system = if linux.contains(name) {
                    "Linux"
                } else {
                    "Windows"
                };
                format!("{what} only on {system}: {name}")
            })
            .collect::<Vec<_>>()
        })
        .collect()
    }
}

/// Returns the imports whose function passes the filter, as in `ntoskrnl.exe!ExAllocatePool2`.
fn named(
    imports: &BTreeMap<String, BTreeSet<String>>,
    filter: impl Fn(&str) -> bool,
) -> BTreeSet<String> {
    imports
        .iter()
        .flat_map(|(module, functions)| {
            functions
                .iter()
                .filter(|function| filter(function))
                .map(move |function| format!("{module}!{function}"))
        })
        .collect()
}

fn imports(image: &PeFile64<'_>) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let table = image.import_table()?.context("the image imports nothing")?;
    let mut imports = BTreeMap::new();
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let module = table.name(descriptor.name.get(LE))?;
        let mut functions = BTreeSet::new();
        let mut thunks = table.thunks(descriptor.original_first_thunk.get(LE))?;
        while let Some(thunk) = thunks.next::<object::pe::ImageNtHeaders64>()? {
            functions.insert(if thunk.is_ordinal() {
                format!("#{}", thunk.ordinal())
            } else {
                match table.import::<object::pe::ImageNtHeaders64>(thunk)? {
                    Import::Name(_, name) => String::from_utf8_lossy(name).into_owned(),
                    Import::Ordinal(ordinal) => format!("#{ordinal}"),
                }
            });
        }
        let module = String::from_utf8_lossy(module).to_ascii_lowercase();
        imports.insert(module, functions);
    }
    Ok(imports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image {
            machine: 0x8664,
            subsystem: 1,
            protections: 0x160,
            imports: BTreeMap::from([(
                "ntoskrnl.exe".to_owned(),
                ["ExAllocatePool2", "memcpy"].map(str::to_owned).into(),
            )]),
            sections: BTreeMap::from([(".text".to_owned(), 0x6800_0020)]),
            bind_information: BindInformation {
                size: 48,
                version: [1, 31, 0],
                functions: 458,
            },
        }
    }

    #[test]
    fn an_image_does_not_differ_from_itself() {
        assert!(image().differences(&image()).is_empty());
        assert!(image().notes(&image()).is_empty());
    }

    #[test]
    fn what_a_linker_may_choose_is_a_note() {
        let mut windows = image();
        windows.sections.insert("INIT".to_owned(), 0x6200_0020);
        windows
            .imports
            .get_mut("ntoskrnl.exe")
            .unwrap()
            .remove("memcpy");
        assert!(image().differences(&windows).is_empty());
        assert_eq!(
            image().notes(&windows),
            [
                "import only on Linux: ntoskrnl.exe!memcpy",
                "section only on Windows: INIT"
            ]
        );
    }

    #[test]
    fn each_difference_that_matters_is_one_sentence() {
        type Change = fn(&mut Image);
        let changes: [(Change, &str); 6] = [
            (
                |image| image.protections = 0x60,
                "protections: 0x160 on Linux, 0x60 on Windows",
            ),
            (
                |image| image.subsystem = 3,
                "subsystem: 0x1 on Linux, 0x3 on Windows",
            ),
            (
                |image| image.machine = 0xaa64,
                "machine: 0x8664 on Linux, 0xaa64 on Windows",
            ),
            (
                |image| {
                    image.sections.insert(".text".to_owned(), 0xe800_0020);
                },
                "flags of section .text: 0x68000020 on Linux, 0xe8000020 on Windows",
            ),
            (
                |image| {
                    image
                        .imports
                        .insert("hal.dll".to_owned(), ["HalX".to_owned()].into());
                },
                "imported only on Windows: hal.dll!HalX",
            ),
            (
                |image| image.bind_information.functions = 457,
                "bind information: BindInformation { size: 48, version: [1, 31, 0], functions: 458 } on \
                 Linux, BindInformation { size: 48, version: [1, 31, 0], functions: 457 } on Windows",
            ),
        ];
        for (change, sentence) in changes {
            let mut windows = image();
            change(&mut windows);
            assert_eq!(image().differences(&windows), [sentence]);
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for bytes in [&b""[..], b"MZ", &[0; 4096]] {
            assert!(Image::parse(bytes).is_err());
        }
    }
}
