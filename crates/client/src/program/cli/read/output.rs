//! The file that a read fills, and its sidecar, from which a later read continues.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use super::{
    form::Form,
    holes::Hole,
    image::{Found, Image},
    map,
    sidecar::{self, Missing, Request, put_line},
    target::{Target, cannot_write},
};
use crate::cli::{Stop, range_argument::Range};

/// An image in a regular file.
pub(super) struct Output {
    name: String,
    /// The file as it was found, until a byte is written.
    target: Option<Target>,
    begun: Option<Begun>,
    request: Request,
    sidecar: PathBuf,
    /// Bytes of the ranges that are in the file, holes included.
    pub(super) written: u64,
}

/// What is open once a byte was written.
struct Begun {
    image: Image,
    sidecar: File,
}

impl Output {
    /// Opens the file for these ranges: to begin, or, with `resume`, to continue an earlier read of
    /// the same ranges. Changes nothing. Returns the holes that are in it.
    pub(super) fn open(
        target: Target,
        form: Form,
        ranges: &[Range],
        resume: bool,
    ) -> Result<(Self, Vec<(u64, Hole)>), Stop> {
        let sidecar = sidecar::path_of(&target.path);
        let sidecar_name = sidecar.display();
        let name = target.name.clone();
        let unfinished = match fs::read_to_string(&sidecar) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Stop::Sentence(format!(
                    "cannot read {sidecar_name}: {error}; it says how far an earlier read of \
                     {name} came."
                )));
            }
        };
        match (&unfinished, resume) {
            (Some(_), false) if target.length > 0 => {
                return Err(Stop::Sentence(format!(
                    "{name} holds an unfinished read; continue with --resume, or remove \
                     {sidecar_name} to start again."
                )));
            }
            (None, true) if target.exists() => {
                return Err(Stop::Sentence(format!(
                    "{name} exists, but no {sidecar_name} that says what it holds; a read cannot \
                     continue in it, so name another file, or leave out --resume to overwrite it."
                )));
            }
            _ => {}
        }
        let output = Self {
            name,
            target: Some(target),
            begun: None,
            request: Request::of(ranges, form),
            sidecar,
            written: 0,
        };
        match unfinished {
            Some(text) if resume => output.resume(&text),
            _ => Ok((output, Vec::new())),
        }
    }

    /// Returns the name, for sentences.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Appends bytes.
    pub(super) fn bytes(&mut self, address: u64, bytes: &[u8]) -> Result<(), Stop> {
        let last = self.request.last_of_range(address);
        let mut position = self.written;
        let written = self
            .begin()?
            .image
            .bytes(&mut position, address, last, bytes);
        self.written = position;
        written.map_err(|error| cannot_write(&self.name, &error))
    }

    /// Notes a hole in the sidecar, then leaves it in the file.
    pub(super) fn hole(&mut self, hole: &Hole) -> Result<(), Stop> {
        let at = self.written;
        let line = Missing::of(at, hole.length, hole.status);
        put_line(&mut self.begin()?.sidecar, &line).map_err(|error| self.cannot_note(&error))?;
        let left = self.begin()?.image.hole(at, hole);
        left.map_err(|error| cannot_write(&self.name, &error))?;
        self.written = at.saturating_add(hole.length);
        Ok(())
    }

    /// Completes the file and removes the sidecar.
    pub(super) fn complete(self) -> Result<(), Stop> {
        let Self {
            name,
            begun,
            sidecar,
            ..
        } = self;
        let Some(begun) = begun else {
            return Ok(());
        };
        begun
            .image
            .complete()
            .map_err(|error| cannot_write(&name, &error))?;
        drop(begun.sidecar);
        fs::remove_file(&sidecar).map_err(|error| {
            Stop::Sentence(format!(
                "{name} is complete, but {} cannot be removed: {error}; remove it yourself.",
                sidecar.display()
            ))
        })
    }

    /// Ends a read early. Returns a sentence that says how to continue.
    pub(super) fn unfinished(&mut self) -> Option<String> {
        let begun = self.begun.as_mut()?;
        // If this fails now, the read that continues does it.
        drop(begun.image.close());
        let Self { name, written, .. } = self;
        Some(format!(
            "{written} bytes are in {name}; repeat the command with --resume to continue."
        ))
    }

    /// Creates the file and the sidecar, or empties the existing file.
    fn begin(&mut self) -> Result<&mut Begun, Stop> {
        if let Some(mut target) = self.target.take() {
            let is_new = !target.exists();
            let path = target.path.clone();
            // This locks the file, so another read cannot write to it from here on.
            target.create()?;
            // The sidecar is empty at first: no read may continue while the file still holds what
            // it held before.
            let created = File::create(&self.sidecar);
            if is_new && created.is_err() {
                drop(fs::remove_file(&path));
            }
            let mut sidecar = created.map_err(|error| self.cannot_note(&error))?;
            let image = Image::new(target.emptied()?, self.request.form());
            map::remove(&path);
            put_line(&mut sidecar, &self.request).map_err(|error| self.cannot_note(&error))?;
            self.begun = Some(Begun { image, sidecar });
        }
        let missing = || cannot_write(&self.name, &io::ErrorKind::NotFound.into());
        self.begun.as_mut().ok_or_else(missing)
    }

    fn resume(mut self, text: &str) -> Result<(Self, Vec<(u64, Hole)>), Stop> {
        let name = self.name.as_str();
        let sidecar_name = self.sidecar.display();
        let mut lines = text.lines();
        let earlier: Request = lines
            .next()
            .and_then(|line| serde_json::from_str(line).ok())
            .ok_or_else(|| {
                Stop::Sentence(format!(
                    "{sidecar_name} does not say which ranges {name} holds; remove both to start \
                     again."
                ))
            })?;
        if earlier != self.request {
            return Err(Stop::Sentence(format!(
                "{name} holds an unfinished read of other memory ({earlier}); repeat that command \
                 with --resume, or name another file."
            )));
        }
        let there = self.target.take_if(|target| target.exists());
        let Some(file) = there.and_then(Target::into_file) else {
            // No byte was written.
            return Ok((self, Vec::new()));
        };
        let found =
            Image::found(file, &self.request).map_err(|error| cannot_write(name, &error))?;
        let (image, in_file) = match found {
            Found::Image(image, in_file) => (image, in_file),
            Found::Foreign(length) => {
                return Err(Stop::Sentence(format!(
                    "{name} has {length} bytes, which a read of the {} asked for does not leave; \
                     something else wrote to it: remove it and {sidecar_name} to start again.",
                    self.request.total()
                )));
            }
        };
        let noted = lines.filter_map(|line| serde_json::from_str::<Missing>(line).ok());
        let (written, holes) = self.request.kept(noted, in_file);
        // A noted hole that is not in the output is read again, and noted again.
        let sidecar = sidecar::replace(&self.sidecar, &self.request, &holes)
            .map_err(|error| self.cannot_note(&error))?;
        self.begun = Some(Begun { image, sidecar });
        self.written = written;
        Ok((self, holes))
    }

    fn cannot_note(&self, error: &io::Error) -> Stop {
        cannot_write(&self.sidecar.display().to_string(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    /// A file opened for appending is always written at its end, which this would notice. On
    /// Windows such a file could not get holes either, since appending is a right of its own.
    #[test]
    fn a_continued_file_is_not_opened_for_appending() {
        let path = std::env::temp_dir().join(format!("ringcopy-continued-{}", std::process::id()));
        let ranges = [Range {
            source: Source::Physical(0x1000),
            length: 12,
        }];
        let open = |resume| {
            let target = Target::open(&path).ok().unwrap();
            let (output, _) = Output::open(target, Form::Ranges, &ranges, resume)
                .ok()
                .unwrap();
            output
        };
        assert!(open(false).bytes(0x1000, &[1; 8]).is_ok());
        let mut output = open(true);
        assert_eq!(output.written, 8);
        fs::write(&path, [1; 20]).unwrap();
        assert!(output.bytes(0x1008, &[2; 4]).is_ok());
        assert!(output.complete().is_ok());
        let written = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(written, [&[1; 8][..], &[2; 4], &[1; 8]].concat());
    }
}
