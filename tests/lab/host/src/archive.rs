//! The file in which the images are passed to the guest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ringcopy_lab_mailbox::archive::{Entry, Header, MAGIC, NAME_LENGTH};
use zerocopy::IntoBytes;

use crate::LabError;

/// The alignment of images in the archive.
const ALIGNMENT: usize = 4096;

/// Puts images into one archive.
pub(crate) fn build(images: &[PathBuf]) -> Result<Vec<u8>, LabError> {
    let mut files = Vec::new();
    for path in images {
        let bytes = fs::read(path).map_err(LabError::file(path))?;
        files.push((name_of(path)?, bytes));
    }
    let header = Header {
        magic: MAGIC,
        count: files.len() as u64,
    };
    let table = size_of::<Header>() + files.len() * size_of::<Entry>();
    let mut offset = table.next_multiple_of(ALIGNMENT);
    let mut archive = header.as_bytes().to_vec();
    for (name, bytes) in &files {
        let entry = Entry {
            name: *name,
            offset: offset as u64,
            length: bytes.len() as u64,
        };
        archive.extend_from_slice(entry.as_bytes());
        offset = (offset + bytes.len()).next_multiple_of(ALIGNMENT);
    }
    for (_, bytes) in &files {
        archive.resize(archive.len().next_multiple_of(ALIGNMENT), 0);
        archive.extend_from_slice(bytes);
    }
    Ok(archive)
}

fn name_of(path: &Path) -> Result<[u8; NAME_LENGTH], LabError> {
    let refuse = |reason| LabError::Image {
        path: path.into(),
        reason,
    };
    let text = path
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| name.is_ascii())
        .ok_or_else(|| refuse("the name of an image has to be ASCII"))?;
    let mut name = [0; NAME_LENGTH];
    name.get_mut(..text.len())
        .ok_or_else(|| refuse("the name of an image has at most 32 characters"))?
        .copy_from_slice(text.as_bytes());
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use zerocopy::FromBytes;

    #[test]
    fn every_file_is_where_its_entry_says() {
        let folder = Folder::create().unwrap();
        let files = [
            ("WDFLDR.SYS", vec![1; 5000]),
            ("driver.sys", vec![2; 1]),
            ("empty", vec![]),
        ];
        let paths = files.clone().map(|(name, bytes)| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        });
        let archive = build(&paths).unwrap();
        let (header, rest) = Header::read_from_prefix(&archive).unwrap();
        assert_eq!((header.magic, header.count), (MAGIC, 3));
        let mut rest = rest;
        for (name, bytes) in &files {
            let (entry, tail) = Entry::read_from_prefix(rest).unwrap();
            rest = tail;
            assert_eq!(entry.name[..name.len()], *name.as_bytes());
            assert!(entry.name[name.len()..].iter().all(|&byte| byte == 0));
            assert_eq!(entry.length, bytes.len() as u64);
            // An empty last file may start at or after the end of the archive.
            let start = usize::try_from(entry.offset).unwrap().min(archive.len());
            assert!(archive[start..].starts_with(bytes));
        }
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        let folder = Folder::create().unwrap();
        let path = folder
            .path()
            .join("a-driver-of-more-than-thirty-two-characters.sys");
        fs::write(&path, []).unwrap();
        assert!(matches!(build(&[path]), Err(LabError::Image { .. })));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = build(&["/no/such/driver.sys".into()]).unwrap_err();
        assert!(error.to_string().contains("/no/such/driver.sys"));
    }
}
