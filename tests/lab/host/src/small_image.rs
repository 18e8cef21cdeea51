//! Small images, made byte by byte, for tests of the lab: drivers that a linker would not make.

/// The file's parts start at multiples of this; the sections' memory at multiples of [`PAGE`].
const ALIGNMENT: u32 = 0x200;
const HEADERS: u32 = 2 * ALIGNMENT;
const PAGE: u32 = 0x1000;

const CODE: u32 = PAGE;
const IMPORTS: u32 = 2 * PAGE;

/// The offset of the headers' signature, and after it of their parts.
const SIGNATURE: u8 = 0x40;
const MACHINE: usize = SIGNATURE as usize + 4;
const OPTIONAL: usize = MACHINE + 20;
const SECTIONS: usize = OPTIONAL + 240;

/// `xor eax, eax; ret`: an entry point that succeeds.
const SUCCEED: &[u8] = &[0x31, 0xC0, 0xC3];

/// An image under construction.
#[derive(Clone, Debug)]
pub struct SmallImage {
    /// `IMAGE_FILE_MACHINE_…`.
    pub machine: u16,
    /// `IMAGE_SUBSYSTEM_…`.
    pub subsystem: u16,
    /// Functions that it imports from `ntoskrnl.exe`.
    pub imports: Vec<String>,
    /// Whether its entry point calls the last of them.
    pub calls_import: bool,
    /// Whether it has thread-local storage.
    pub has_tls: bool,
    /// Bytes of stack that its headers ask for.
    pub stack: u64,
    /// Whether its code is writable, and the name of its section that of a packer.
    pub is_packed: bool,
}

impl Default for SmallImage {
    /// A driver for x64 that imports nothing, loads, and has no unload routine.
    fn default() -> Self {
        Self {
            machine: 0x8664,
            subsystem: 1,
            imports: Vec::new(),
            calls_import: false,
            has_tls: false,
            stack: 1 << 20,
            is_packed: false,
        }
    }
}

/// The length of a part: no image here is long.
fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
    bytes[offset..][..value.len()].copy_from_slice(value);
}

impl SmallImage {
    /// Returns the bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let imports = self.import_section();
        let code = self.code();
        let length = length_of(&imports);
        let mut headers = vec![0; HEADERS as usize];
        put(&mut headers, 0, b"MZ");
        put(&mut headers, 0x3C, &[SIGNATURE]);
        put(&mut headers, SIGNATURE.into(), b"PE\0\0");
        put(&mut headers, MACHINE, &self.machine.to_le_bytes());
        put(&mut headers, MACHINE + 2, &2_u16.to_le_bytes());
        put(&mut headers, MACHINE + 16, &240_u16.to_le_bytes());
        // An executable that may lie anywhere.
        put(&mut headers, MACHINE + 18, &0x22_u16.to_le_bytes());
        let mut optional = |offset, value: &[u8]| put(&mut headers, OPTIONAL + offset, value);
        optional(0, &0x20B_u16.to_le_bytes());
        optional(16, &CODE.to_le_bytes());
        optional(24, &0x1_4000_0000_u64.to_le_bytes());
        optional(32, &PAGE.to_le_bytes());
        optional(36, &ALIGNMENT.to_le_bytes());
        let size = IMPORTS + length.next_multiple_of(PAGE);
        optional(56, &size.to_le_bytes());
        optional(60, &HEADERS.to_le_bytes());
        optional(68, &self.subsystem.to_le_bytes());
        optional(72, &self.stack.to_le_bytes());
        optional(108, &16_u32.to_le_bytes());
        let directory = |number: usize| 112 + number * 8;
        if !self.imports.is_empty() {
            optional(directory(1), &IMPORTS.to_le_bytes());
            optional(directory(1) + 4, &40_u32.to_le_bytes());
        }
        if self.has_tls {
            optional(directory(9), &CODE.to_le_bytes());
            optional(directory(9) + 4, &40_u32.to_le_bytes());
        }
        let (name, flags): (&[u8], u32) = if self.is_packed {
            (b"UPX0", 0xE000_0020)
        } else {
            (b".text", 0x6000_0020)
        };
        let mut file_offset = HEADERS;
        for (number, (name, address, bytes, flags)) in [
            (name, CODE, &code, flags),
            (b".idata", IMPORTS, &imports, 0xC000_0040),
        ]
        .into_iter()
        .enumerate()
        {
            let at = SECTIONS + number * 40;
            let length = length_of(bytes).next_multiple_of(ALIGNMENT);
            put(&mut headers, at, name);
            put(&mut headers, at + 8, &length_of(bytes).to_le_bytes());
            put(&mut headers, at + 12, &address.to_le_bytes());
            put(&mut headers, at + 16, &length.to_le_bytes());
            put(&mut headers, at + 20, &file_offset.to_le_bytes());
            put(&mut headers, at + 36, &flags.to_le_bytes());
            file_offset += length;
        }
        let mut file = headers;
        for section in [&code, &imports] {
            file.extend(section);
            file.resize(file.len().next_multiple_of(ALIGNMENT as usize), 0);
        }
        file
    }

    fn code(&self) -> Vec<u8> {
        let mut code = Vec::new();
        if self.calls_import {
            // sub rsp, 40; call [rip + distance]; add rsp, 40
            let last = self.addresses() + self.list_length() - 16;
            let distance = IMPORTS + last - (CODE + 10);
            code.extend([0x48, 0x83, 0xEC, 0x28, 0xFF, 0x15]);
            code.extend(distance.to_le_bytes());
            code.extend([0x48, 0x83, 0xC4, 0x28]);
        }
        code.extend(SUCCEED);
        code
    }

    /// Where in their section the addresses of imports are: after two descriptors and the list of names.
    fn addresses(&self) -> u32 {
        40 + self.list_length()
    }

    /// Bytes of the list of names, which ends with an empty one.
    fn list_length(&self) -> u32 {
        8 * (u32::try_from(self.imports.len()).unwrap_or(u32::MAX) + 1)
    }

    /// Two descriptors, of which the second is empty; the offsets of the names, twice; the names.
    fn import_section(&self) -> Vec<u8> {
        let mut names = Vec::new();
        let mut offsets = Vec::new();
        let first_name = IMPORTS + 40 + 2 * self.list_length();
        for import in &self.imports {
            offsets.extend(u64::from(first_name + length_of(&names)).to_le_bytes());
            // A hint, the name, and one zero or two: the next name starts at an even offset.
            names.extend([0, 0]);
            names.extend(import.as_bytes());
            names.resize((names.len() + 1).next_multiple_of(2), 0);
        }
        offsets.extend([0; 8]);
        let library = first_name + length_of(&names);
        let mut section = Vec::new();
        section.extend((IMPORTS + 40).to_le_bytes());
        section.extend([0; 8]);
        section.extend(library.to_le_bytes());
        section.extend((IMPORTS + self.addresses()).to_le_bytes());
        section.extend([0; 20]);
        section.extend(&offsets);
        section.extend(&offsets);
        section.extend(names);
        section.extend(b"ntoskrnl.exe\0");
        section
    }
}
