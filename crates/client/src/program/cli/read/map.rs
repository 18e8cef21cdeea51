//! The map of an image: which memory was asked for, and what of it could not be read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{form::Form, holes::Holes, sidecar::write_whole, target::cannot_write};
use crate::cli::{Stop, range_argument::Range, record::hexadecimal};

/// What a map's name has after that of its image.
const SUFFIX: &str = ".map.json";

/// The field that tells a map from other documents, and holds the version of its format.
const MARK: &str = "ringcopy_map";

/// Where the map of an image lies.
pub(super) fn path_of(image: &Path) -> PathBuf {
    let mut name = image.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

/// Puts a map beside its image. `--ranges` takes it, as it takes the list of RAM.
pub(super) fn write(image: &Path, form: Form, ranges: &[Range], holes: &Holes) -> Result<(), Stop> {
    let (holes, omitted) = holes.document(form);
    let ranges: Vec<_> = ranges
        .iter()
        .map(|range| {
            let base = range.source.address();
            json!({
                "base": hexadecimal(base),
                "end": hexadecimal(base.saturating_add(range.length)),
                "length": range.length,
            })
        })
        .collect();
    let map = json!({
        MARK: 1,
        "image": image.file_name().map(|name| name.to_string_lossy()),
        "format": form.name(),
        "kind": "physical",
        "ranges": ranges,
        "holes": holes,
        "holes_omitted": omitted,
    });
    let path = path_of(image);
    write_whole(&path, format!("{map:#}\n").as_bytes())
        .map_err(|error| cannot_write(&path.display().to_string(), &error))
}

/// Removes the map of an image that is being written over: it tells of the earlier one.
pub(super) fn forget(image: &Path) {
    let path = path_of(image);
    let is_map = |text: String| text.contains(MARK);
    if fs::read_to_string(&path).is_ok_and(is_map) {
        // Where it cannot be removed, it is written over in the end.
        drop(fs::remove_file(path));
    }
}
