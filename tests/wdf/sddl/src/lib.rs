//! The Security Descriptor Definition Language, as far as Windows documents it for device objects:
//! `D:P`, followed by entries `(A;;access;;;sid)`.
//!
//! Nothing is allocated: a list is checked once as a whole, and read again as it is iterated.
//!
//! Source: "SDDL for Device Objects" of the Windows driver documentation; the values of rights and
//! the well-known identifiers, `ACCESS_MASK` and "Well-known SIDs".

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "unreachable_pub asks for what it forbids"
)]

mod cursor;
mod sid;

use cursor::Cursor;
pub use sid::{Sid, SubAuthorities};

/// A string that is not in the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where it departs from the language, in UTF-16 units.
    pub position: usize,
}

/// A discretionary access control list.
#[derive(Clone, Copy, Debug)]
pub struct Dacl<'a> {
    entries: Cursor<'a>,
    protected: bool,
}

/// An entry of a list, which allows access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The rights, generic and specific, as an `ACCESS_MASK` has them.
    pub access: u32,
    /// The identifier that gets them.
    pub sid: Sid,
}

impl<'a> Dacl<'a> {
    /// Reads a string.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for everything that the subset does not have: other parts than the list, other
    /// flags than `P`, other kinds of entries than `A`, inheritance, object types, unknown rights
    /// and unknown identifiers.
    pub fn parse(text: &'a [u16]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(text);
        cursor.expect("D:")?;
        let protected = cursor.take("P");
        let dacl = Self {
            entries: cursor,
            protected,
        };
        while !cursor.is_at_end() {
            entry(&mut cursor)?;
        }
        Ok(dacl)
    }

    /// Whether the list takes nothing from a parent (`P`).
    #[must_use]
    pub const fn is_protected(&self) -> bool {
        self.protected
    }

    /// The entries, in order. An empty list allows no access.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + Clone {
        let mut cursor = self.entries;
        core::iter::from_fn(move || {
            if cursor.is_at_end() {
                None
            } else {
                entry(&mut cursor).ok()
            }
        })
    }
}

fn entry(cursor: &mut Cursor<'_>) -> Result<Entry, Malformed> {
    cursor.expect("(A;;")?;
    let access = access(cursor)?;
    cursor.expect(";;;")?;
    let sid = sid::read(cursor)?;
    cursor.expect(")")?;
    Ok(Entry { access, sid })
}

/// The codes of rights.
const RIGHTS: [(&str, u32); 8] = [
    ("GA", 0x1000_0000),
    ("GX", 0x2000_0000),
    ("GW", 0x4000_0000),
    ("GR", 0x8000_0000),
    ("SD", 0x0001_0000),
    ("RC", 0x0002_0000),
    ("WD", 0x0004_0000),
    ("WO", 0x0008_0000),
];

/// Rights, as a hexadecimal number or as codes in a row, one at least.
fn access(cursor: &mut Cursor<'_>) -> Result<u32, Malformed> {
    if cursor.take("0x") {
        return u32::try_from(cursor.number(16, u64::from(u32::MAX))?)
            .map_err(|_| cursor.malformed());
    }
    let mut access = 0;
    loop {
        let right = RIGHTS.iter().find(|(code, _)| cursor.take(code));
        match right {
            Some((_, right)) => access |= right,
            None if access == 0 => return Err(cursor.malformed()),
            None => return Ok(access),
        }
    }
}
