//! Debug output, and C's formatting.

use alloc::string::String;
use core::arch::global_asm;
use core::fmt::Write;

use crate::nt::strings;
use crate::raw;
use crate::serial::say;
use nt_status::NtStatus;

global_asm!(include_str!("dbg.s"));

unsafe extern "C" {
    pub(super) fn nt_dbg_print();
    pub(super) fn nt_dbg_print_ex();
}

/// The most characters of a message, as for `DbgPrint`.
const MESSAGE_LIMIT: usize = 512;

fn print(prefix: &str, format: u64, arguments: u64) -> NtStatus {
    let text = self::format(&raw::c_string(format, MESSAGE_LIMIT), arguments);
    for line in text.lines() {
        say!("[driver] {prefix}{line}");
    }
    NtStatus::SUCCESS
}

/// `DbgPrint` function (wdm.h): `fixed` points to the format, `variable` to the other arguments.
#[unsafe(no_mangle)]
extern "win64" fn dbg_print(fixed: u64, variable: u64) -> NtStatus {
    print("", raw::read(fixed), variable)
}

/// `DbgPrintEx` function (wdm.h): component, level, format. All components and levels are printed.
#[unsafe(no_mangle)]
extern "win64" fn dbg_print_ex(fixed: u64, variable: u64) -> NtStatus {
    print("", raw::read(fixed + 16), variable)
}

/// `vDbgPrintEx` function (wdm.h).
pub(super) extern "win64" fn vDbgPrintEx(
    _component: u32,
    _level: u32,
    format: u64,
    arguments: u64,
) -> NtStatus {
    print("", format, arguments)
}

/// `vDbgPrintExWithPrefix` function (wdm.h).
pub(super) extern "win64" fn vDbgPrintExWithPrefix(
    prefix: u64,
    _component: u32,
    _level: u32,
    format: u64,
    arguments: u64,
) -> NtStatus {
    print(&raw::c_string(prefix, MESSAGE_LIMIT), format, arguments)
}

/// `_vsnprintf`: returns the characters written, or -1 if they do not fit.
pub(super) extern "win64" fn vsnprintf(
    buffer: u64,
    limit: u64,
    format: u64,
    arguments: u64,
) -> i32 {
    let text = self::format(&raw::c_string(format, MESSAGE_LIMIT), arguments);
    let bytes = text.as_bytes();
    let count = (bytes.len() as u64).min(limit);
    raw::copy(bytes.as_ptr() as u64, buffer, count);
    finish(count, bytes.len() as u64, limit, |at| {
        raw::write(buffer + at, 0_u8);
    })
}

/// `_vsnwprintf`: as `_vsnprintf`, in UTF-16.
pub(super) extern "win64" fn vsnwprintf(
    buffer: u64,
    limit: u64,
    format: u64,
    arguments: u64,
) -> i32 {
    let format = strings::read_units(format, strings::length_of(format));
    let text = self::format(&format, arguments);
    let mut count = 0;
    for unit in text.encode_utf16() {
        if count < limit {
            raw::write(buffer + count * 2, unit);
        }
        count += 1;
    }
    finish(count.min(limit), count, limit, |at| {
        raw::write(buffer + at * 2, 0_u16);
    })
}

fn finish(written: u64, needed: u64, limit: u64, terminate: impl FnOnce(u64)) -> i32 {
    if needed < limit {
        terminate(written);
    }
    if needed > limit { -1 } else { written as i32 }
}

/// A conversion of a format: the flags between the percent sign and its letter.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of C's format"
)]
struct Conversion {
    left: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    /// The argument has 64 bits.
    long: bool,
    /// The text is UTF-16.
    wide: bool,
}

/// Formats as C's `printf` does: integers, pointers, characters and all kinds of strings.
fn format(format: &str, arguments: u64) -> String {
    let mut output = String::new();
    let mut characters = format.chars().peekable();
    let mut next = arguments;
    let mut argument = || {
        let value: u64 = raw::read(next);
        next += 8;
        value
    };
    while let Some(character) = characters.next() {
        if character != '%' {
            output.push(character);
            continue;
        }
        let mut conversion = Conversion::default();
        while let Some(&flag) = characters.peek() {
            match flag {
                '-' => conversion.left = true,
                '0' => conversion.zero = true,
                '#' => conversion.alternate = true,
                '+' | ' ' => {}
                _ => break,
            }
            characters.next();
        }
        let mut number = |characters: &mut core::iter::Peekable<core::str::Chars<'_>>| {
            let mut value = 0;
            if characters.next_if_eq(&'*').is_some() {
                return argument() as u32 as usize;
            }
            while let Some(digit) = characters.peek().and_then(|digit| digit.to_digit(10)) {
                value = value * 10 + digit as usize;
                characters.next();
            }
            value
        };
        conversion.width = number(&mut characters);
        if characters.next_if_eq(&'.').is_some() {
            conversion.precision = Some(number(&mut characters));
        }
        let letter = loop {
            match characters.next() {
                Some('l' | 'w') => {
                    conversion.long |= characters.next_if_eq(&'l').is_some();
                    conversion.wide = true;
                }
                Some('I') => {
                    // I64, I32, or the size of a pointer.
                    let digits: String =
                        core::iter::from_fn(|| characters.next_if(char::is_ascii_digit)).collect();
                    conversion.long = digits != "32";
                }
                Some('z' | 'j' | 't') => conversion.long = true,
                Some('h') => conversion.wide = false,
                other => break other.unwrap_or('%'),
            }
        };
        let text = match letter {
            '%' => String::from("%"),
            letter => convert(letter, &conversion, argument()),
        };
        pad(&mut output, &conversion, &text);
    }
    output
}

fn convert(letter: char, conversion: &Conversion, value: u64) -> String {
    let mut text = String::new();
    let unsigned = if conversion.long {
        value
    } else {
        u64::from(value as u32)
    };
    let signed = if conversion.long {
        value as i64
    } else {
        i64::from(value as i32)
    };
    let prefix = if conversion.alternate { "0x" } else { "" };
    // Writing to a string cannot fail.
    let _ = match letter {
        'd' | 'i' => write!(text, "{signed}"),
        'u' => write!(text, "{unsigned}"),
        'x' => write!(text, "{prefix}{unsigned:x}"),
        'X' => write!(text, "{prefix}{unsigned:X}"),
        'p' => write!(text, "{value:016X}"),
        'c' => write!(text, "{}", char::from(value as u8)),
        's' | 'S' if value == 0 => write!(text, "(null)"),
        's' if !conversion.wide => {
            let limit = conversion.precision.unwrap_or(MESSAGE_LIMIT);
            write!(text, "{}", raw::c_string(value, limit))
        }
        's' | 'S' => {
            let units = strings::length_of(value);
            write!(text, "{}", strings::read_units(value, units))
        }
        'Z' => write!(text, "{}", strings::read(value)),
        other => write!(text, "%{other}"),
    };
    match conversion.precision {
        Some(precision) if matches!(letter, 's' | 'S' | 'Z') => {
            text.chars().take(precision).collect()
        }
        _ => text,
    }
}

fn pad(output: &mut String, conversion: &Conversion, text: &str) {
    let missing = conversion.width.saturating_sub(text.chars().count());
    let fill = if conversion.zero && !conversion.left {
        '0'
    } else {
        ' '
    };
    if !conversion.left {
        output.extend(core::iter::repeat_n(fill, missing));
    }
    output.push_str(text);
    if conversion.left {
        output.extend(core::iter::repeat_n(fill, missing));
    }
}
