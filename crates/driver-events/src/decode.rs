//! Decodes what describes an event, and its values.
//!
//! Both descriptions begin with their length in two bytes, and then have a name that ends with a null.
//! A description of an event has the event's tag before the name, and after it a name and a type for
//! each field. Source: the crates `tracelogging` and `tracelogging_dynamic` of Microsoft
//! (github.com/microsoft/tracelogging), whose `InType` and `OutType` have the numbers.

use nt_status::NtStatus;

use super::{Event, Raw, Value};

/// Why an event cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The description or the values end early.
    #[error("the event ends within {0}")]
    Short(&'static str),
    /// A description has another length than it says.
    #[error("the length of {0} is not the one that it gives")]
    Length(&'static str),
    /// A name or a text is not UTF-8.
    #[error("{0} is not UTF-8")]
    Text(&'static str),
    /// Fields of this type are not decoded.
    #[error("a field has type {type_in:#x}, shown as {type_out:#x}, which is not decoded")]
    Type {
        /// The type of its value.
        type_in: u8,
        /// How it is shown.
        type_out: u8,
    },
    /// There are bytes after the last value.
    #[error("bytes follow the last value")]
    Rest,
}

/// The bit of a byte that says that another one belongs to it.
const MORE: u8 = 0x80;

/// Types of values: `InType`.
mod type_in {
    pub(super) const U8: u8 = 4;
    pub(super) const U32: u8 = 8;
    pub(super) const U64: u8 = 10;
    pub(super) const HEX32: u8 = 20;
    pub(super) const HEX64: u8 = 21;
    pub(super) const COUNTED_TEXT: u8 = 23;
}

/// How values are shown: `OutType`.
mod type_out {
    pub(super) const DEFAULT: u8 = 0;
    pub(super) const BOOLEAN: u8 = 3;
    pub(super) const STATUS: u8 = 14;
    pub(super) const UTF_8: u8 = 35;
}

impl Raw {
    /// Decodes the event.
    ///
    /// # Errors
    /// If a description is damaged, does not describe the values, or names a type that is not
    /// decoded.
    pub fn decode(&self) -> Result<Event, Malformed> {
        let mut description = Bytes(sized(
            &self.provider_metadata,
            "the provider's description",
        )?);
        let provider = description.name("the provider's name")?;
        let mut description = Bytes(sized(&self.event_metadata, "the event's description")?);
        while description.byte("the event's tag")? & MORE != 0 {}
        let name = description.name("the event's name")?;
        let mut data = Bytes(&self.data);
        let mut fields = Vec::new();
        while !description.0.is_empty() {
            let name = description.name("a field's name")?;
            fields.push((name, value(&mut description, &mut data)?));
        }
        if !data.0.is_empty() {
            return Err(Malformed::Rest);
        }
        Ok(Event {
            provider,
            name,
            level: self.level,
            fields,
        })
    }
}

/// Returns a description without its length.
fn sized<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a [u8], Malformed> {
    let (length, rest) = bytes.split_first_chunk().ok_or(Malformed::Short(what))?;
    if usize::from(u16::from_le_bytes(*length)) == bytes.len() {
        Ok(rest)
    } else {
        Err(Malformed::Length(what))
    }
}

/// Decodes the type of a field, and its value.
fn value(description: &mut Bytes<'_>, data: &mut Bytes<'_>) -> Result<Value, Malformed> {
    const TYPE: &str = "a field's type";
    const VALUE: &str = "a value";
    let mut type_in = description.byte(TYPE)?;
    let mut type_out = type_out::DEFAULT;
    if type_in & MORE != 0 {
        type_in &= !MORE;
        type_out = description.byte(TYPE)?;
        if type_out & MORE != 0 {
            type_out &= !MORE;
            while description.byte("a field's tag")? & MORE != 0 {}
        }
    }
    Ok(match (type_in, type_out) {
        (type_in::U8, type_out::DEFAULT) => Value::Number(data.byte(VALUE)?.into()),
        (type_in::U8, type_out::BOOLEAN) => Value::Boolean(data.byte(VALUE)? != 0),
        (type_in::U32, type_out::DEFAULT) => {
            Value::Number(u32::from_le_bytes(data.array(VALUE)?).into())
        }
        (type_in::U64, type_out::DEFAULT) => Value::Number(u64::from_le_bytes(data.array(VALUE)?)),
        (type_in::HEX32, type_out::DEFAULT) => {
            Value::Hex(u32::from_le_bytes(data.array(VALUE)?).into())
        }
        (type_in::HEX32, type_out::STATUS) => {
            Value::Status(NtStatus(u32::from_le_bytes(data.array(VALUE)?)))
        }
        (type_in::HEX64, type_out::DEFAULT) => Value::Hex(u64::from_le_bytes(data.array(VALUE)?)),
        (type_in::COUNTED_TEXT, type_out::UTF_8) => {
            let length = u16::from_le_bytes(data.array(VALUE)?);
            let text = data.take(length.into(), VALUE)?;
            Value::Text(text_of(text, VALUE)?)
        }
        (type_in, type_out) => return Err(Malformed::Type { type_in, type_out }),
    })
}

fn text_of(bytes: &[u8], what: &'static str) -> Result<String, Malformed> {
    str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| Malformed::Text(what))
}

/// What is left of a sequence of bytes.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Malformed::Short(what))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed::Short(what))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, Malformed> {
        self.array(what).map(|[byte]| byte)
    }

    /// Takes a text that ends with a null.
    fn name(&mut self, what: &'static str) -> Result<String, Malformed> {
        let length = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(Malformed::Short(what))?;
        let name = self.take(length, what)?;
        self.byte(what)?;
        text_of(name, what)
    }
}
