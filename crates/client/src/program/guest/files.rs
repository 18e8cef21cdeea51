//! The files that the host can read: reports and dumps.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use ringcopy_guest_protocol::{self as protocol, Bytes, DATA_LIMIT, FILES_LIMIT, FileName, ToHost};

/// What names of reports begin with.
const REPORT: &str = "ringcopy-";

/// A file, and where it is.
pub(super) struct Listed {
    pub(super) listed: protocol::File,
    path: PathBuf,
}

/// Returns the reports in a folder, and the dumps: files, and all files of folders. Of two files of one
/// name, the first is taken.
pub(super) fn list(folder: &Path, dumps: &[PathBuf]) -> Vec<Listed> {
    let mut found: Vec<Listed> = Vec::new();
    let is_report = |path: &Path| {
        let name = path.file_name();
        name.is_some_and(|name| name.to_string_lossy().starts_with(REPORT))
    };
    let reports = entries(folder).into_iter().filter(|path| is_report(path));
    let dumps = dumps.iter().flat_map(|dump| {
        if dump.is_dir() {
            entries(dump)
        } else {
            vec![dump.clone()]
        }
    });
    for path in reports.chain(dumps) {
        let Some(listed) = listed(&path) else {
            continue;
        };
        if found.len() < FILES_LIMIT && !found.iter().any(|known| known.listed.name == listed.name)
        {
            found.push(Listed { listed, path });
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort_unstable();
    paths
}

fn listed(path: &Path) -> Option<protocol::File> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let name = path.file_name()?.to_str()?.to_owned();
    Some(protocol::File {
        name: FileName::try_from(name).ok()?,
        length: metadata.len(),
    })
}

/// Reads a part of a file. Returns the reply to the host.
pub(super) fn read(files: &[Listed], name: FileName, offset: u64) -> ToHost {
    let Some(file) = files.iter().find(|file| file.listed.name == name) else {
        return ToHost::Refused {
            sentence: format!("there is no file {name}"),
        };
    };
    match read_part(&file.path, offset) {
        Ok((bytes, length)) => ToHost::Data {
            name,
            offset,
            bytes: Bytes(bytes),
            length,
        },
        Err(error) => ToHost::Refused {
            sentence: format!("cannot read {name}: {error}"),
        },
    }
}

fn read_part(path: &Path, offset: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if offset < length {
        file.seek(SeekFrom::Start(offset))?;
        file.take(DATA_LIMIT as u64).read_to_end(&mut bytes)?;
    }
    Ok((bytes, length))
}
