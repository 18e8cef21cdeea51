//! A PE image with space for a signature.
//!
//! Sources: "Windows Authenticode Portable Executable Signature Format", Calculating the PE Image
//! Hash; "PE Format", Optional Header and The Attribute Certificate Table.

use anyhow::{Context as _, Result, bail};
use authenticode::{
    PeOffsets, PeTrait as _, WIN_CERT_REVISION_2_0, WIN_CERT_TYPE_PKCS_SIGNED_DATA,
    authenticode_digest,
};
use object::{pe::IMAGE_DIRECTORY_ENTRY_SECURITY, read::pe::PeFile64};
use sha2::digest::{Digest, Output, Update};

/// Entries of the certificate table are quadword aligned, and so is its beginning.
const ALIGNMENT: usize = 8;

/// The header of an entry: its length, its revision and its type.
const ENTRY_HEADER: usize = 8;

/// An image without a signature, padded to where one may begin.
pub struct Image {
    bytes: Vec<u8>,
    offsets: PeOffsets,
}

impl Image {
    /// Parses the output of a linker. It is an error if the bytes are no unsigned 64-bit image.
    pub fn unsigned(mut bytes: Vec<u8>) -> Result<Self> {
        // Windows hashes the padding as a part of the image.
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        let file = PeFile64::parse(&*bytes).context("it is no 64-bit PE image")?;
        if file.data_directories().len() <= IMAGE_DIRECTORY_ENTRY_SECURITY {
            bail!("its headers have no entry for a signature");
        }
        if file
            .data_directory(IMAGE_DIRECTORY_ENTRY_SECURITY)
            .is_some()
        {
            bail!("it is signed already");
        }
        let offsets = file.offsets()?;
        Ok(Self { bytes, offsets })
    }

    /// Returns the hash by which a signature and a catalog identify the image. It leaves out the
    /// checksum and the directory entry, which signing changes.
    pub fn digest<D: Digest + Update>(&self) -> Result<Output<D>> {
        let mut hash = D::new();
        authenticode_digest(&PeFile64::parse(&*self.bytes)?, &mut hash)?;
        Ok(hash.finalize())
    }

    /// Returns the image with `signature`, a `ContentInfo` of PKCS #7, in its certificate table. It is
    /// an error if the file exceeds the format's 32-bit offsets.
    pub fn signed(self, signature: &[u8]) -> Result<Vec<u8>> {
        const TOO_LONG: &str = "it is longer than 4 GiB";
        let size = (ENTRY_HEADER + signature.len()).next_multiple_of(ALIGNMENT);
        let size_field = u32::try_from(size).context(TOO_LONG)?.to_le_bytes();
        let offset = u32::try_from(self.bytes.len()).context(TOO_LONG)?;

        let mut bytes = self.bytes;
        bytes.extend(size_field);
        bytes.extend(WIN_CERT_REVISION_2_0.to_le_bytes());
        bytes.extend(WIN_CERT_TYPE_PKCS_SIGNED_DATA.to_le_bytes());
        bytes.extend(signature);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        put(
            &mut bytes,
            self.offsets.security_data_dir,
            offset.to_le_bytes(),
        );
        put(&mut bytes, self.offsets.security_data_dir + 4, size_field);

        let sum = checksum(&bytes, self.offsets.check_sum).context(TOO_LONG)?;
        put(&mut bytes, self.offsets.check_sum, sum.to_le_bytes());
        Ok(bytes)
    }
}

/// Returns the checksum of an image whose checksum field is at `field`: the sum of its words with
/// end-around carry, plus its length. Windows refuses a driver with a wrong one ("PE Format", Optional
/// Header Windows-Specific Fields, `CheckSum`).
fn checksum(bytes: &[u8], field: usize) -> Option<u32> {
    let mut sum = 0_u32;
    for (index, word) in bytes.chunks(2).enumerate() {
        let at = index * 2;
        if at != field && at != field + 2 {
            let high = word.get(1).copied().unwrap_or_default();
            sum += u32::from(u16::from_le_bytes([word[0], high]));
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
    }
    sum.checked_add(u32::try_from(bytes.len()).ok()?)
}

fn put(bytes: &mut [u8], at: usize, value: [u8; 4]) {
    bytes[at..at + 4].copy_from_slice(&value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Sha256;

    const HEADERS: usize = 0x40;
    const OPTIONAL: usize = HEADERS + 4 + 20;
    const CHECKSUM: usize = OPTIONAL + 64;
    const DIRECTORIES: usize = OPTIONAL + 112;
    const CERTIFICATE_TABLE: usize = DIRECTORIES + 4 * 8;
    const END: usize = DIRECTORIES + 16 * 8;

    /// Returns a minimal image, and five bytes after its headers.
    fn minimal() -> Vec<u8> {
        let mut bytes = vec![0; END + 5];
        put(&mut bytes, 0, *b"MZ\0\0");
        for (at, value) in [
            (0x3C, HEADERS),
            (HEADERS + 20, END - OPTIONAL),
            (OPTIONAL, 0x20B),
            (OPTIONAL + 60, END),
            (OPTIONAL + 108, 16),
        ] {
            put(&mut bytes, at, u32::try_from(value).unwrap().to_le_bytes());
        }
        put(&mut bytes, HEADERS, *b"PE\0\0");
        bytes
    }

    fn digest(bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(Image::unsigned(bytes)?.digest::<Sha256>()?.to_vec())
    }

    #[test]
    fn the_hash_covers_all_but_what_signing_changes() {
        let original = digest(minimal()).unwrap();
        for at in 0..minimal().len() {
            let mut changed = minimal();
            changed[at] ^= 0x20;
            let free = (CHECKSUM..CHECKSUM + 4).contains(&at)
                || (CERTIFICATE_TABLE..CERTIFICATE_TABLE + 8).contains(&at);
            // A changed header may be no image any more.
            match digest(changed) {
                Ok(changed) => assert_eq!(changed == original, free, "byte {at}"),
                Err(error) => assert!(at < CERTIFICATE_TABLE + 4, "byte {at}: {error:#}"),
            }
        }
    }

    #[test]
    fn what_is_no_unsigned_image_is_refused() {
        let whole = minimal();
        for length in 0..DIRECTORIES {
            assert!(digest(whole[..length].to_vec()).is_err(), "{length}");
        }
        let mut far = minimal();
        put(&mut far, 0x3C, [0xFF; 4]);
        assert!(Image::unsigned(far).is_err());

        let image = Image::unsigned(minimal()).unwrap();
        let signed = image.signed(b"a signature").unwrap();
        let refused = Image::unsigned(signed).err().unwrap().to_string();
        assert_eq!(refused, "it is signed already");
    }

    #[test]
    fn the_checksum_is_of_words_with_carry_and_of_the_length() {
        // 0xFFFF + 0x0002 = 0x1_0001, with end-around carry 0x0002; the odd byte is 0x05.
        assert_eq!(checksum(&[0xFF, 0xFF, 2, 0, 5], 100), Some(2 + 5 + 5));
        // The checksum's own two words do not count.
        assert_eq!(checksum(&[1, 0, 9, 9, 9, 9, 1, 0], 2), Some(2 + 8));
    }
}
