//! The package: one folder that a person copies onto a Windows test machine. Driver and client are
//! built elsewhere; here they get an INF, a catalog, a test certificate, signatures and a README.
//!
//! All but the signatures, the certificate, and what the README says of them depends on the commit
//! alone.

mod catalog;
pub mod client;
mod date;
mod folder;
mod identity;
mod image;
mod indirect_data;
mod inf;
mod key_folder;
mod pair;
mod problem;
mod signer;
mod timestamp;

pub use problem::Problem;

use crate::{driver, error::Error, places, setup, step::Step};
use catalog::Member;
use clap::Args;
use der::Any;
use folder::Folder;
use identity::Identity;
use image::Image;
use indirect_data::{INDIRECT_DATA, IndirectData};
use pair::Pair;
use signer::Signer;
use std::{
    env, fs,
    path::{Path, PathBuf},
};
use timestamp::{Address, Authority};

/// The README of the folder, with `$NAMES$` for what is the package's own. `Makefile.toml` fills it,
/// too.
const README: &str = include_str!("README.txt");

/// Between two lines of what the README says of a file.
const COLUMN: &str = "\n                 ";

/// How a package is signed.
#[derive(Args, Default)]
pub struct Signing {
    /// Sign with the key and test certificate in this folder, which are made there the first time,
    /// so that testers trust once; it must lie outside of git's reach, or be ignored by git
    /// [default: a pair for this package alone]
    #[arg(long, value_name = "DIR")]
    certificate: Option<PathBuf>,
    /// Have each signature stamped with the time by the time-stamping authority (RFC 3161) at this
    /// http:// address, so that the signatures can outlive the certificate
    #[arg(long, value_name = "URL")]
    timestamp: Option<Address>,
}

impl Signing {
    /// Who signs the package that is made in `output`, an absolute path.
    ///
    /// # Errors
    ///
    /// If there is no certificate to sign with.
    pub fn signer(&self, output: &Path) -> Result<Signer, Error> {
        let now = date::now();
        let pair = match &self.certificate {
            None => Pair::new(now)?,
            Some(folder) => {
                let folder = env::current_dir().map_err(Error::file("."))?.join(folder);
                key_folder::pair_in(&folder, output, now)?
            }
        };
        Ok(Signer {
            pair,
            kept: self.certificate.is_some(),
            authority: self.timestamp.clone().map(Authority::at),
        })
    }
}

/// What a package is made of that takes long to build.
pub struct Programs {
    pub driver: PathBuf,
    pub client: PathBuf,
}

impl Programs {
    /// Builds them.
    ///
    /// # Errors
    ///
    /// What is missing, or what the compiler said.
    pub fn build() -> Result<Self, Error> {
        setup::run()?;
        Ok(Self {
            driver: driver::build()?.driver,
            client: client::build()?,
        })
    }
}

/// Builds all that a package takes, and makes it in `output`, or below `target/`, signed as `signing`
/// says. Returns its path, which is absolute.
///
/// # Errors
///
/// If the folder can't take it, something is missing, a build fails, or it can't be signed so. A
/// package that was there is still there then.
pub fn run(output: Option<&Path>, signing: &Signing) -> Result<PathBuf, Error> {
    let output = output.map_or_else(|| places::target().join("package"), Path::to_owned);
    let output = env::current_dir().map_err(Error::file("."))?.join(output);
    // What can be refused, is refused before a build that takes a minute.
    Identity::of_tree()?;
    Folder::claim(&output)?;
    let signer = signing.signer(&output)?;
    make(&output, &Programs::build()?, &signer)?;
    Ok(output)
}

/// Makes the package of `programs` in `output`, signed by `signer`.
///
/// # Errors
///
/// If the folder can't take it, or a program can't be signed.
pub fn make(output: &Path, programs: &Programs, signer: &Signer) -> Result<(), Error> {
    let step = Step::start("signing the package");
    let folder = Folder::claim(output)?;
    let identity = Identity::of_tree()?;
    let source = places::root().join("inf/ringcopy.inx");
    let text = fs::read_to_string(&source).map_err(Error::file(&source))?;
    let inf = inf::stamp(&text, &source, &identity)?;

    let driver = read_image(&programs.driver)?;
    let client = read_image(&programs.client)?;
    let members = [
        Member::image("ringcopy.sys", &driver).map_err(Problem::from)?,
        Member::file("ringcopy.inf", inf.as_bytes()).map_err(Problem::from)?,
    ];
    let catalog = catalog::make(&members, identity.date, signer)?;
    let driver = sign(driver, members[0].data(), signer, &programs.driver)?;
    let client_data = IndirectData::of_image(&client.digest::<sha2::Sha256>());
    let client = sign(
        client,
        &client_data.map_err(Problem::from)?,
        signer,
        &programs.client,
    )?;

    folder.fill(&[
        &driver,
        inf.as_bytes(),
        &catalog,
        &signer.pair.certificate().map_err(Problem::from)?,
        &client,
        readme(&identity, signer)?.as_bytes(),
    ])?;
    step.done();
    Ok(())
}

fn read_image(path: &Path) -> Result<Image, Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    Ok(Image::unsigned(bytes).map_err(not_signed(path))?)
}

fn sign(image: Image, data: &IndirectData, signer: &Signer, path: &Path) -> Result<Vec<u8>, Error> {
    let content = Any::encode_from(data).map_err(Problem::from)?;
    let signature = signer.sign(INDIRECT_DATA, content)?;
    Ok(image.signed(&signature).map_err(not_signed(path))?)
}

fn not_signed(path: &Path) -> impl FnOnce(&'static str) -> Problem {
    |what| Problem::Image {
        path: path.to_owned(),
        what,
    }
}

fn readme(identity: &Identity, signer: &Signer) -> Result<String, Problem> {
    let text = README
        .replace("$VERSION$", identity.version)
        .replace("$DATE$", &identity.readable_date()?)
        .replace("$KMDFVERSION$", &identity.kmdf_version())
        .replace("$WINDOWS$", identity.windows())
        .replace("$CERTIFICATE$", pair::NAME)
        .replace("$KEY$", &signer.told().join(COLUMN));
    Ok(with_windows_lines(&text))
}

/// The text with lines that end as Windows ends them, however the checkout's end.
fn with_windows_lines(text: &str) -> String {
    text.lines().flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::with_windows_lines;

    #[test]
    fn f2_the_packages_texts_have_the_same_lines_from_every_checkout() {
        for text in ["one\n\ntwo\n", "one\r\n\r\ntwo\r\n"] {
            assert_eq!(with_windows_lines(text), "one\r\n\r\ntwo\r\n");
        }
    }
}
