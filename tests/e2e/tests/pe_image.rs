//! Properties of the driver's image that Windows needs to load and to protect it.

#![forbid(unsafe_code)]

use std::{env, fs};

use object::{
    LittleEndian as LE,
    pe::{
        IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE,
        IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY, IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA,
        IMAGE_DLLCHARACTERISTICS_NX_COMPAT, IMAGE_FILE_EXECUTABLE_IMAGE, IMAGE_FILE_MACHINE_AMD64,
        IMAGE_FILE_RELOCS_STRIPPED, IMAGE_NT_OPTIONAL_HDR64_MAGIC, IMAGE_SCN_MEM_EXECUTE,
        IMAGE_SCN_MEM_WRITE, IMAGE_SUBSYSTEM_NATIVE, ImageNtHeaders64, ImageSectionHeader,
    },
    read::pe::{ImageNtHeaders, PeFile64},
};

const PAGE: u32 = 4096;

/// The modules from which the driver may import. The names are those of `ExAllocatePool2`'s page and of
/// the KMDF documentation.
const MODULES: [&str; 3] = ["ntoskrnl.exe", "hal.dll", "wdfldr.sys"];

fn with_image(check: impl FnOnce(&[u8], &PeFile64<'_>)) {
    let bytes = fs::read(ringcopy_tests::driver()).unwrap();
    let image = PeFile64::parse(&*bytes).expect("a PE32+ image");
    check(&bytes, &image);
}

fn headers<'f>(image: &'f PeFile64<'_>) -> &'f ImageNtHeaders64 {
    image.nt_headers()
}

fn flags(section: &ImageSectionHeader) -> u32 {
    section.characteristics.get(LE)
}

fn name(section: &ImageSectionHeader) -> String {
    String::from_utf8_lossy(section.raw_name()).into_owned()
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn is_a_native_image_for_amd64() {
    with_image(|_, image| {
        let headers = headers(image);
        let file = headers.file_header();
        assert_eq!(file.machine.get(LE), IMAGE_FILE_MACHINE_AMD64);
        let characteristics = file.characteristics.get(LE);
        assert_ne!(characteristics & IMAGE_FILE_EXECUTABLE_IMAGE, 0);
        assert_eq!(characteristics & IMAGE_FILE_RELOCS_STRIPPED, 0);
        let optional = headers.optional_header();
        assert_eq!(optional.magic.get(LE), IMAGE_NT_OPTIONAL_HDR64_MAGIC);
        assert_eq!(optional.subsystem.get(LE), IMAGE_SUBSYSTEM_NATIVE);
        assert_eq!(optional.section_alignment.get(LE), PAGE);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn asks_for_every_protection_of_the_loader() {
    with_image(|_, image| {
        let characteristics = headers(image).optional_header().dll_characteristics.get(LE);
        for (flag, name) in [
            (IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "NX_COMPAT"),
            (IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "DYNAMIC_BASE"),
            (IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA, "HIGH_ENTROPY_VA"),
            (IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY, "FORCE_INTEGRITY"),
        ] {
            assert_ne!(characteristics & flag, 0, "{name} is not set");
        }
    });
}

/// `IMAGE_GUARD_SECURITY_COOKIE_UNUSED`, of "PE Format".
const COOKIE_UNUSED: u32 = 0x800;

/// The offsets of two fields of the load configuration, and its size with the second as its last.
const COOKIE: usize = 88;
const GUARD_FLAGS: usize = 144;

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn has_a_load_configuration_without_a_stack_cookie() {
    with_image(|bytes, image| {
        let directory = image
            .data_directory(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG)
            .expect("a load configuration");
        let found = directory.data(bytes, &image.section_table()).unwrap();
        let word = |at: usize| u32::from_le_bytes(found[at..at + 4].try_into().unwrap());
        assert_eq!(word(0) as usize, GUARD_FLAGS + 4);
        assert_eq!((word(COOKIE), word(COOKIE + 4)), (0, 0), "a cookie");
        assert_eq!(word(GUARD_FLAGS), COOKIE_UNUSED);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn no_section_is_both_writable_and_executable() {
    with_image(|_, image| {
        let mut executable = 0;
        for section in image.section_table().iter() {
            let flags = flags(section);
            assert!(
                flags & IMAGE_SCN_MEM_WRITE == 0 || flags & IMAGE_SCN_MEM_EXECUTE == 0,
                "{} is both",
                name(section)
            );
            executable += u32::from(flags & IMAGE_SCN_MEM_EXECUTE != 0);
        }
        assert!(executable > 0, "no section is executable");
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn starts_in_code() {
    with_image(|_, image| {
        let entry = headers(image)
            .optional_header()
            .address_of_entry_point
            .get(LE);
        let section = image
            .section_table()
            .section_containing(entry)
            .expect("the entry point lies in a section");
        assert_ne!(flags(section) & IMAGE_SCN_MEM_EXECUTE, 0);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn can_be_unwound() {
    with_image(|_, image| {
        let pdata = image
            .section_table()
            .iter()
            .find(|section| section.raw_name() == b".pdata")
            .expect("a .pdata section: without it no exception finds its handler");
        assert!(pdata.virtual_size.get(LE) >= 12);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn imports_only_from_the_kernel_and_the_framework() {
    with_image(|_, image| {
        let imports = image.import_table().unwrap().expect("imports");
        let mut modules = Vec::new();
        let mut descriptors = imports.descriptors().unwrap();
        while let Some(descriptor) = descriptors.next().unwrap() {
            let module = imports.name(descriptor.name.get(LE)).unwrap();
            modules.push(String::from_utf8_lossy(module).to_ascii_lowercase());
        }
        for module in &modules {
            assert!(MODULES.contains(&module.as_str()), "imports from {module}");
        }
        for module in ["ntoskrnl.exe", "wdfldr.sys"] {
            assert!(modules.iter().any(|name| name == module), "no {module}");
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn names_no_folder_of_the_machine_that_built_it() {
    with_image(|bytes, _| {
        let home = env::var("HOME").ok().filter(|home| home.len() > 1);
        let tree = ringcopy_tests::tree().to_str().unwrap();
        let secrets = [".cargo/registry", ".rustup/toolchains", tree]
            .into_iter()
            .chain(home.as_deref());
        for secret in secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "{secret} stands in the image");
        }
    });
}
