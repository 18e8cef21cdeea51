//! The map of an image: the ranges that were asked for, and the holes in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{form::Form, holes::Holes, sidecar::write_whole, target::cannot_write};
use crate::cli::{Stop, range_argument::Range, record};

/// The suffix of a map's name, after the image's name.
const SUFFIX: &str = ".map.json";

/// The field that only a map has; its value is the version of the format.
const MARK: &str = "ringcopy_map";

/// Returns the path of an image's map.
pub(super) fn path_of(image: &Path) -> PathBuf {
    let mut name = image.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

/// Writes a map beside its image. `--ranges` takes it like the list of RAM.
pub(super) fn write(image: &Path, form: Form, ranges: &[Range], holes: &Holes) -> Result<(), Stop> {
    let (holes, omitted) = holes.document(form);
    let ranges: Vec<_> = ranges
        .iter()
        .map(|range| record::range(range.source.address(), range.length))
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

/// Removes the map of an image that is being overwritten.
pub(super) fn remove(image: &Path) {
    let path = path_of(image);
    let is_map = |text: String| text.contains(MARK);
    if fs::read_to_string(&path).is_ok_and(is_map) {
        // A map that cannot be removed is overwritten at the end.
        drop(fs::remove_file(path));
    }
}
