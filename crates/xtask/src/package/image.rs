//! A PE image as Authenticode sees it: what of it is hashed, and where its signature goes.
//!
//! Sources: "Windows Authenticode Portable Executable Signature Format", Calculating the PE Image
//! Hash; "PE Format", Optional Header and The Attribute Certificate Table.

use sha2::digest::{Digest, Output};

/// Where the header of a PE file says that its signature begins.
const NT_HEADERS_OFFSET: usize = 0x3C;

/// From the PE signature to the optional header: the signature and the file header.
const OPTIONAL_HEADER: usize = 4 + 20;

const PE32_PLUS: u16 = 0x20B;

/// In the optional header of PE32+.
const CHECKSUM: usize = 64;
const DIRECTORY_COUNT: usize = 108;
const DIRECTORIES: usize = 112;

/// The certificate table is the fifth directory; each takes an address and a size.
const CERTIFICATE_TABLE: usize = 4;
const DIRECTORY_SIZE: usize = 8;

/// Entries of the certificate table are quadword aligned, and so is its beginning.
const ALIGNMENT: usize = 8;

/// The header of an entry: its length, `WIN_CERT_REVISION_2_0`, `WIN_CERT_TYPE_PKCS_SIGNED_DATA`.
const ENTRY_HEADER: usize = 8;
const REVISION: u16 = 0x200;
const PKCS_SIGNED_DATA: u16 = 2;

/// An image without a signature, padded to where one may begin.
pub struct Image {
    bytes: Vec<u8>,
    /// Where the checksum stands.
    checksum: usize,
    /// Where the directory entry of the certificate table stands.
    directory: usize,
}

impl Image {
    /// Takes what a linker has written.
    ///
    /// # Errors
    ///
    /// In what way the bytes are not such an image.
    pub fn unsigned(mut bytes: Vec<u8>) -> Result<Self, &'static str> {
        const CUT_SHORT: &str = "its headers are cut short";
        let headers = u32_at(&bytes, NT_HEADERS_OFFSET).ok_or(CUT_SHORT)? as usize;
        let signature = headers..headers.saturating_add(4);
        if bytes.get(signature) != Some(b"PE\0\0") {
            return Err("it has no PE signature");
        }
        let optional = headers.saturating_add(OPTIONAL_HEADER);
        let (checksum, directory) = (
            optional.saturating_add(CHECKSUM),
            optional.saturating_add(DIRECTORIES + CERTIFICATE_TABLE * DIRECTORY_SIZE),
        );
        if u16_at(&bytes, optional) != Some(PE32_PLUS) {
            return Err("it is not a 64-bit image");
        }
        let directories = u32_at(&bytes, optional.saturating_add(DIRECTORY_COUNT));
        if directories.ok_or(CUT_SHORT)? as usize <= CERTIFICATE_TABLE {
            return Err("it has no room for a signature");
        }
        if u32_at(&bytes, directory).ok_or(CUT_SHORT)? != 0 {
            return Err("it is signed already");
        }
        // Windows hashes the padding as a part of the image.
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        Ok(Self {
            bytes,
            checksum,
            directory,
        })
    }

    /// The hash by which a signature and a catalog know the image: of all but the checksum and the
    /// directory entry, both of which signing changes.
    pub fn digest<D: Digest>(&self) -> Output<D> {
        let (before, rest) = self.bytes.split_at(self.checksum);
        let (_, rest) = rest.split_at(4);
        let (between, rest) = rest.split_at(self.directory - self.checksum - 4);
        let (_, after) = rest.split_at(DIRECTORY_SIZE);
        D::new()
            .chain_update(before)
            .chain_update(between)
            .chain_update(after)
            .finalize()
    }

    /// The image with `signature`, a `ContentInfo` of PKCS #7, in its certificate table.
    ///
    /// # Errors
    ///
    /// If the file gets longer than the format's 32-bit offsets reach.
    pub fn signed(self, signature: &[u8]) -> Result<Vec<u8>, &'static str> {
        const TOO_LONG: &str = "it is longer than 4 GiB";
        let size = (ENTRY_HEADER + signature.len()).next_multiple_of(ALIGNMENT);
        let size_field = u32::try_from(size).map_err(|_| TOO_LONG)?.to_le_bytes();
        let offset = u32::try_from(self.bytes.len()).map_err(|_| TOO_LONG)?;

        let mut bytes = self.bytes;
        bytes.extend(size_field);
        bytes.extend(REVISION.to_le_bytes());
        bytes.extend(PKCS_SIGNED_DATA.to_le_bytes());
        bytes.extend(signature);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        put(&mut bytes, self.directory, offset.to_le_bytes());
        put(&mut bytes, self.directory + 4, size_field);

        let sum = checksum(&bytes, self.checksum).ok_or(TOO_LONG)?;
        put(&mut bytes, self.checksum, sum.to_le_bytes());
        Ok(bytes)
    }
}

/// The checksum of an image whose own checksum stands at `place`: its words added up with the
/// carry brought round, and its length. Windows refuses a driver in which it is wrong
/// ("PE Format", Optional Header Windows-Specific Fields, `CheckSum`).
fn checksum(bytes: &[u8], place: usize) -> Option<u32> {
    let mut sum = 0_u32;
    for (index, word) in bytes.chunks(2).enumerate() {
        let at = index * 2;
        if at != place && at != place + 2 {
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

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Sha256;

    const HEADERS: usize = 0x40;
    const OPTIONAL: usize = HEADERS + OPTIONAL_HEADER;

    /// The least that is an image, and five bytes that are not aligned.
    fn least() -> Vec<u8> {
        let mut bytes = vec![0; OPTIONAL + DIRECTORIES + 16 * DIRECTORY_SIZE + 5];
        put(&mut bytes, NT_HEADERS_OFFSET, 0x40_u32.to_le_bytes());
        put(&mut bytes, HEADERS, *b"PE\0\0");
        put(&mut bytes, OPTIONAL, 0x20B_u32.to_le_bytes());
        put(&mut bytes, OPTIONAL + DIRECTORY_COUNT, 16_u32.to_le_bytes());
        bytes
    }

    fn digest(bytes: Vec<u8>) -> Vec<u8> {
        Image::unsigned(bytes).unwrap().digest::<Sha256>().to_vec()
    }

    #[test]
    fn the_hash_covers_all_but_what_signing_changes() {
        let bytes = least();
        let directory = OPTIONAL + DIRECTORIES + CERTIFICATE_TABLE * DIRECTORY_SIZE;
        for at in 0..bytes.len() {
            // Where a change makes it another format, or another length of the headers.
            if [0x3C..0x40, HEADERS..HEADERS + 4, OPTIONAL..OPTIONAL + 2]
                .iter()
                .any(|range| range.contains(&at))
                || (directory..directory + 4).contains(&at)
            {
                continue;
            }
            let mut changed = bytes.clone();
            changed[at] ^= 0x20;
            let free = (OPTIONAL + CHECKSUM..OPTIONAL + CHECKSUM + 4).contains(&at)
                || (directory..directory + DIRECTORY_SIZE).contains(&at);
            assert_eq!(digest(changed) == digest(bytes.clone()), free, "byte {at}");
        }
    }

    #[test]
    fn what_is_no_unsigned_image_is_refused() {
        let whole = least();
        for length in 0..OPTIONAL + DIRECTORIES {
            assert!(
                Image::unsigned(whole[..length].to_vec()).is_err(),
                "{length}"
            );
        }
        let mut far = least();
        put(&mut far, NT_HEADERS_OFFSET, [0xFF; 4]);
        assert!(Image::unsigned(far).is_err());

        let image = Image::unsigned(least()).unwrap();
        let signed = image.signed(b"a signature").unwrap();
        assert_eq!(Image::unsigned(signed).err(), Some("it is signed already"));
    }

    #[test]
    fn the_checksum_is_of_words_with_carry_and_of_the_length() {
        // 0xFFFF + 0x0002 = 0x1_0001, with the carry brought round 0x0002; the odd byte is 0x05.
        assert_eq!(checksum(&[0xFF, 0xFF, 2, 0, 5], 100), Some(2 + 5 + 5));
        // The checksum's own two words do not count.
        assert_eq!(checksum(&[1, 0, 9, 9, 9, 9, 1, 0], 2), Some(2 + 8));
    }
}
