//! Images of all RAM, read back by programs that others wrote: Volatility 3 and `LeechCore`.

#![forbid(unsafe_code)]

use std::{env, fs, path::Path, process::Command};

use ringcopy_client::{
    CallerCopy, PAGE_LENGTH, Transport,
    cli::{self, Console, SUCCESS},
    protocol::Reach,
};
use ringcopy_tests::{boot, finish, open, pattern, privileged};
use serde_json::{Value, json};

/// What the readers find in an image: its segments, and a page.
fn read_back(form: &str, image: &Path, address: u64) -> Value {
    let python = env::var_os("RINGCOPY_IMAGE_READERS")
        .expect("RINGCOPY_IMAGE_READERS is not set: run cargo xtask test");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab_images.py");
    let output = Command::new(python)
        .arg("-I")
        .args([script.as_os_str(), form.as_ref(), image.as_os_str()])
        .arg(address.to_string())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{form}: {told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn other_peoples_readers_find_ram_where_it_was() {
    // Where the next run finds them, if this one does not come to its end.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    fs::create_dir_all(&folder).unwrap();
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let source = process.allocate(PAGE_LENGTH).unwrap();
    let page = pattern(7, 4096);
    process.write(source, &page).unwrap();
    let mut device = open(&mut process);
    // A page whose place in RAM is known, and what is in it.
    let address = device.information().unwrap().session_physical_address;
    let copy = CallerCopy {
        address: source,
        length: PAGE_LENGTH,
        session_offset: 0,
        alignment: 1,
    };
    assert!(device.copy_from(copy).unwrap().is_complete());
    let list = device.memory_ranges().unwrap();
    let ram: Vec<_> = list
        .iter()
        .map(|range| (range.base, range.length))
        .collect();
    for form in ["raw", "lime"] {
        let image = folder.join(form);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = cli::run(
            [
                "ringcopy",
                "read",
                "--all-ram",
                "--format",
                form,
                "--output",
            ]
            .map(Into::into)
            .into_iter()
            .chain([image.clone().into_os_string()]),
            &mut Console {
                out: &mut out,
                err: &mut err,
                input: &mut std::io::empty(),
                terminal: false,
                progress: false,
            },
            &mut || Ok(Box::new(privileged(&lab)) as Box<dyn Transport>),
        );
        assert_eq!(code, SUCCESS, "{form}: {}", String::from_utf8_lossy(&err));
        let found = read_back(form, &image, address);
        for reader in ["volatility", "leechcore"] {
            assert!(found["pages"][reader] == json!(page), "{form}, {reader}");
            if form == "lime" {
                assert_eq!(found["segments"][reader], json!(ram), "{reader}");
            }
        }
    }
    drop(device);
    drop(process);
    finish(lab);
    fs::remove_dir_all(folder).unwrap();
}
