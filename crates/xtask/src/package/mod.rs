//! The package: one folder that a user copies onto a Windows test machine. It has the driver and the
//! client, both signed, an INF, a catalog, a test certificate and a README.
//!
//! Only signatures, certificate, and the README's lines about them depend on more than the commit.

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
mod pkcs7;
mod signer;
mod timestamp;

use crate::{driver, paths, setup, step::Step};
use anyhow::{Context as _, Result};
use authenticode::{SPC_INDIRECT_DATA_OBJID, SpcIndirectDataContent};
use catalog::Member;
use clap::Args;
use der::Any;
use folder::Folder;
use fs_err as fs;
use identity::Identity;
use image::Image;
use pair::Pair;
use signer::Signer;
use std::{
    env,
    path::{Path, PathBuf},
};
use timestamp::{Address, Authority};

/// The README of the folder, with `$VARIABLES$` of the package. `Makefile.toml` fills it, too.
const README: &str = include_str!("README.txt");

/// The separator of the README's lines about a file.
const COLUMN: &str = "\n                 ";

/// How a package is signed.
#[derive(Args, Default)]
pub struct Signing {
    /// Sign with the key and test certificate in this folder, which are made there the first time, so
    /// that testers trust once; it must be outside of git working trees, or ignored by git [default: a
    /// pair for this package alone]
    #[arg(long, value_name = "DIR")]
    certificate: Option<PathBuf>,
    /// Get a time stamp for each signature from the time-stamping authority (RFC 3161) at this http://
    /// address, so that the signatures can outlive the certificate
    #[arg(long, value_name = "URL")]
    timestamp: Option<Address>,
}

impl Signing {
    /// Returns the signer of the package in `output`, an absolute path.
    pub fn signer(&self, output: &Path) -> Result<Signer> {
        let now = date::now();
        let pair = match &self.certificate {
            None => Pair::new(now)?,
            Some(folder) => {
                let folder = env::current_dir()?.join(folder);
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

/// The programs of a package, which take long to build.
pub struct Programs {
    pub driver: PathBuf,
    pub client: PathBuf,
}

impl Programs {
    /// Builds the programs.
    pub fn build() -> Result<Self> {
        setup::run()?;
        Ok(Self {
            driver: driver::build()?.driver,
            client: client::build()?,
        })
    }
}

/// Builds the programs, and makes a package in `output`, or in `target/package`. Returns its absolute
/// path. After an error, an older package in the folder is unchanged.
pub fn run(output: Option<&Path>, signing: &Signing) -> Result<PathBuf> {
    let output = output.map_or_else(|| paths::target().join("package"), Path::to_owned);
    let output = env::current_dir()?.join(output);
    // Checked before a build that takes a minute.
    Identity::of_tree()?;
    Folder::claim(&output)?;
    let signer = signing.signer(&output)?;
    make(&output, &Programs::build()?, &signer)?;
    Ok(output)
}

/// Makes the package of `programs` in `output`, signed by `signer`.
pub fn make(output: &Path, programs: &Programs, signer: &Signer) -> Result<()> {
    let step = Step::start("signing the package");
    let folder = Folder::claim(output)?;
    let identity = Identity::of_tree()?;
    let source = paths::root().join("inf/ringcopy.inx");
    let inf = inf::stamp(&fs::read_to_string(&source)?, &source, &identity)?;

    let driver = read_image(&programs.driver)?;
    let client = read_image(&programs.client)?;
    let members = [
        Member::image("ringcopy.sys", &driver)?,
        Member::file("ringcopy.inf", inf.as_bytes())?,
    ];
    let catalog = catalog::make(&members, identity.date, signer)?;
    let client_data = indirect_data::of_image(&client.digest::<sha2::Sha256>()?)?;
    folder.fill(&[
        &sign(driver, members[0].data(), signer)?,
        inf.as_bytes(),
        &catalog,
        &signer.pair.certificate()?,
        &sign(client, &client_data, signer)?,
        readme(&identity, signer).as_bytes(),
    ])?;
    step.done();
    Ok(())
}

fn read_image(path: &Path) -> Result<Image> {
    Image::unsigned(fs::read(path)?).with_context(|| format!("{} can't be signed", path.display()))
}

fn sign(image: Image, data: &SpcIndirectDataContent, signer: &Signer) -> Result<Vec<u8>> {
    let signature = signer.sign(SPC_INDIRECT_DATA_OBJID, Any::encode_from(data)?)?;
    image.signed(&signature)
}

fn readme(identity: &Identity, signer: &Signer) -> String {
    let text = README
        .replace("$VERSION$", identity.version)
        .replace("$DATE$", &date::readable(identity.date))
        .replace("$KMDFVERSION$", &identity.kmdf_version())
        .replace("$WINDOWS$", identity.windows())
        .replace("$CERTIFICATE$", pair::NAME)
        .replace("$KEY$", &signer.description().join(COLUMN));
    with_windows_lines(&text)
}

/// Returns the text with line ends of Windows, whatever the checkout has.
fn with_windows_lines(text: &str) -> String {
    text.lines().flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::with_windows_lines;

    #[test]
    fn texts_have_the_same_line_ends_in_every_checkout() {
        for text in ["one\n\ntwo\n", "one\r\n\r\ntwo\r\n"] {
            assert_eq!(with_windows_lines(text), "one\r\n\r\ntwo\r\n");
        }
    }
}
