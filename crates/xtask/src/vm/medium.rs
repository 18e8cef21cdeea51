//! The installation disc of Windows, of which only the list of editions is read.
//!
//! The editions are in a description in XML at the end of `sources/install.wim` (or `.esd`). Its place is
//! in the file's header: "Windows Imaging File Format", Microsoft.

use crate::program;
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    io::{self, Read},
    path::Path,
    process::Stdio,
};

/// The files that may have the editions. The second is compressed further, but for the description.
const IMAGES: [&str; 2] = ["sources/install.wim", "sources/install.esd"];

/// The beginning of such a file.
const TAG: &[u8] = b"MSWIM\0\0\0";

/// The length of the header, and where it has the description's place.
const HEADER: usize = 208;
const DESCRIPTION: usize = 72;

/// The most bytes of a description. A disc of eleven editions has some 20 KiB.
const DESCRIPTION_LIMIT: u64 = 4 << 20;

/// Returns the name of the edition to install: the one that is asked for, or the only one.
pub fn edition(disc: &Path, asked: Option<&str>) -> Result<String> {
    ensure!(disc.is_file(), "{} is no file", disc.display());
    choose(&editions(disc)?, asked)
        .with_context(|| format!("{} can't be installed", disc.display()))
}

fn choose(editions: &[String], asked: Option<&str>) -> Result<String> {
    let list = editions.join("\", \"");
    match (asked, editions) {
        (None, [only]) => Ok(only.clone()),
        (None, _) => bail!("it has several editions; name one with --edition: \"{list}\""),
        (Some(asked), _) => editions
            .iter()
            .find(|edition| edition.eq_ignore_ascii_case(asked))
            .cloned()
            .with_context(|| format!("it has no edition \"{asked}\", but \"{list}\"")),
    }
}

/// Returns the names of the editions on a disc.
fn editions(disc: &Path) -> Result<Vec<String>> {
    for image in IMAGES {
        let mut extraction = program::named("7z")
            .args(["e", "-so", "-bd"])
            .arg(disc)
            .arg(image)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run 7z")?;
        let output = extraction.stdout.take().context("7z has no output")?;
        let found = description(output);
        // It is still writing the rest.
        let _ = extraction.kill();
        let _ = extraction.wait();
        if let Some(description) = found? {
            let names = names(&description);
            ensure!(
                !names.is_empty(),
                "{} names no edition in {image}",
                disc.display()
            );
            return Ok(names);
        }
    }
    bail!(
        "{} is no installation disc of Windows: it has no {}",
        disc.display(),
        IMAGES.join(" and no ")
    )
}

/// Reads the description of an image from its beginning to its end. Returns None if there is nothing.
fn description(mut image: impl Read) -> Result<Option<String>> {
    let mut header = Vec::new();
    image
        .by_ref()
        .take(HEADER as u64)
        .read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(None);
    }
    let field = |offset: usize| -> Option<u64> {
        let bytes = header.get(offset..offset + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let place = field(DESCRIPTION).zip(field(DESCRIPTION + 8));
    let Some((length_and_flags, offset)) = place.filter(|_| header.starts_with(TAG)) else {
        bail!("the disc's image of Windows is damaged: it has no header");
    };
    // The eighth byte has flags.
    let length = length_and_flags & 0x00FF_FFFF_FFFF_FFFF;
    ensure!(
        length <= DESCRIPTION_LIMIT && offset >= HEADER as u64,
        "the disc's image of Windows is damaged: its description has no place"
    );
    let skipped = offset - HEADER as u64;
    io::copy(&mut image.by_ref().take(skipped), &mut io::sink())?;
    let mut bytes = Vec::new();
    image.take(length).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 == length,
        "the disc's image of Windows is cut short"
    );
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Ok(Some(String::from_utf16_lossy(&units)))
}

/// Returns the name of each image in a description.
fn names(description: &str) -> Vec<String> {
    description
        .split("<IMAGE ")
        .skip(1)
        .filter_map(|image| {
            let (_, rest) = image.split_once("<NAME>")?;
            Some(rest.split_once("</NAME>")?.0.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// Returns an image of Windows with these editions, and nothing to install.
    fn image(editions: &[&str]) -> Vec<u8> {
        let mut text = String::from("\u{feff}<WIM>");
        for (number, edition) in (1..).zip(editions) {
            write!(
                text,
                "<IMAGE INDEX=\"{number}\"><NAME>{edition}</NAME></IMAGE>"
            )
            .unwrap();
        }
        text.push_str("</WIM>");
        let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let offset = HEADER + 1000;
        let mut image = vec![0; offset];
        image[..8].copy_from_slice(TAG);
        image[DESCRIPTION..DESCRIPTION + 8].copy_from_slice(&(text.len() as u64).to_le_bytes());
        image[DESCRIPTION + 7] = 2;
        image[DESCRIPTION + 8..DESCRIPTION + 16].copy_from_slice(&(offset as u64).to_le_bytes());
        image.extend(text);
        image
    }

    #[test]
    fn editions_are_read_from_the_description() {
        let image = image(&["Windows 11 Pro", "Windows 11 Home"]);
        let description = description(&image[..]).unwrap().unwrap();
        assert_eq!(names(&description), ["Windows 11 Pro", "Windows 11 Home"]);
    }

    #[test]
    fn the_edition_is_the_only_one_or_the_one_that_is_named() {
        let (one, two) = (["A".to_owned()], ["A", "B"].map(str::to_owned));
        assert_eq!(choose(&one, None).unwrap(), "A");
        assert_eq!(choose(&two, Some("b")).unwrap(), "B");
        for (editions, asked, sentence) in [
            (
                &two[..],
                None,
                "it has several editions; name one with --edition: \"A\", \"B\"",
            ),
            (&two, Some("C"), "it has no edition \"C\", but \"A\", \"B\""),
        ] {
            assert_eq!(choose(editions, asked).unwrap_err().to_string(), sentence);
        }
    }

    #[test]
    fn a_damaged_image_is_one_sentence() {
        let good = image(&["A"]);
        assert!(description(&[][..]).unwrap().is_none());
        let mut no_place = good.clone();
        no_place[DESCRIPTION..DESCRIPTION + 16].fill(0xFF);
        let mut no_tag = good.clone();
        no_tag[0] = 0;
        for damaged in [&good[..good.len() - 1], &good[..100], &no_place, &no_tag] {
            let error = description(damaged).unwrap_err().to_string();
            assert!(
                error.starts_with("the disc's image of Windows is "),
                "{error}"
            );
        }
    }
}
