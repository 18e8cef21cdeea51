//! Security identifiers.

use crate::{Malformed, cursor::Cursor};

/// An identifier has at most as many sub-authorities (`SID_MAX_SUB_AUTHORITIES`).
const MAXIMUM: usize = 15;

/// The largest identifier authority: it has six bytes.
const MAXIMUM_AUTHORITY: u64 = 0xFFFF_FFFF_FFFF;

/// A security identifier of revision 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sid {
    /// The identifier authority, the most significant byte first.
    pub authority: [u8; 6],
    /// The sub-authorities.
    pub sub_authorities: SubAuthorities,
}

/// The sub-authorities of an identifier: one to fifteen, then zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAuthorities {
    values: [u32; MAXIMUM],
    count: usize,
}

impl SubAuthorities {
    /// The values, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        self.values.get(..self.count).unwrap_or(&[])
    }
}

impl Sid {
    /// Makes an identifier. Excess parts are left out.
    const fn of(authority: u64, parts: &[u32]) -> Self {
        let [_, _, authority @ ..] = authority.to_be_bytes();
        let mut values = [0; MAXIMUM];
        let (mut places, mut parts) = (values.as_mut_slice(), parts);
        let mut count = 0_usize;
        while let ([place, later @ ..], [part, rest @ ..]) = (places, parts) {
            *place = *part;
            (places, parts) = (later, rest);
            count = count.saturating_add(1);
        }
        Self {
            authority,
            sub_authorities: SubAuthorities { values, count },
        }
    }
}

/// NT's own authority.
const NT: u64 = 5;

/// The codes of well-known identifiers.
const WELL_KNOWN: [(&str, u64, &[u32]); 13] = [
    ("SY", NT, &[18]),
    ("LS", NT, &[19]),
    ("NS", NT, &[20]),
    ("BA", NT, &[32, 544]),
    ("BU", NT, &[32, 545]),
    ("BG", NT, &[32, 546]),
    ("AU", NT, &[11]),
    ("AN", NT, &[7]),
    ("IU", NT, &[4]),
    ("NU", NT, &[2]),
    ("WD", 1, &[0]),
    ("RC", NT, &[12]),
    ("UD", NT, &[84, 0, 0, 0, 0, 0]),
];

/// An identifier, by its code or as `S-1-authority-part-part…`.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Sid, Malformed> {
    if let Some((_, authority, parts)) = WELL_KNOWN.iter().find(|(code, ..)| cursor.take(code)) {
        return Ok(Sid::of(*authority, parts));
    }
    cursor.expect("S-1-")?;
    let radix = if cursor.take("0x") { 16 } else { 10 };
    let authority = cursor.number(radix, MAXIMUM_AUTHORITY)?;
    let mut values = [0; MAXIMUM];
    let mut count = 0_usize;
    while cursor.take("-") {
        let place = values.get_mut(count).ok_or_else(|| cursor.malformed())?;
        *place = u32::try_from(cursor.number(10, u64::from(u32::MAX))?)
            .map_err(|_| cursor.malformed())?;
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Err(cursor.malformed());
    }
    Ok(Sid::of(authority, values.get(..count).unwrap_or(&[])))
}
