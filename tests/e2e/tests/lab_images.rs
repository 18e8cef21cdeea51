//! Images of all RAM, read back by programs that others wrote: Volatility 3 and `LeechCore`.

#![forbid(unsafe_code)]

use std::{env, fs, path::Path, process::Command};

use ringcopy_client::{CallerCopy, PAGE_LENGTH, Transport, cli, protocol::Reach};
use ringcopy_tests::{boot, open, pattern, privileged, run_client};
use serde_json::{Value, json};

/// The segments and a page of an image, as the readers find them.
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
    // A later run removes the images that a failed one leaves.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    fs::create_dir_all(&folder).unwrap();
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let source = process.allocate(PAGE_LENGTH).unwrap();
    let page = pattern(7, 4096);
    process.write(source, &page).unwrap();
    let mut device = open(&mut process);
    // A page whose address and content are known.
    let address = device.information().unwrap().session_physical_addresses[0];
    let copy = CallerCopy::new(source, PAGE_LENGTH);
    assert!(device.copy_from(copy).unwrap().is_complete());
    let list = device.memory_ranges().unwrap();
    let ram: Vec<_> = list
        .iter()
        .map(|range| (range.base, range.length))
        .collect();
    for form in ["raw", "lime"] {
        let image = folder.join(form);
        let command = format!("read --all-ram --format {form}");
        let run = run_client(&lab, &command, Some(&image));
        assert_eq!(run.code, cli::SUCCESS, "{form}: {}", run.err);
        let found = read_back(form, &image, address);
        for reader in ["volatility", "leechcore"] {
            assert!(found["pages"][reader] == json!(page), "{form}, {reader}");
            if form == "lime" {
                assert_eq!(found["segments"][reader], json!(ram), "{reader}");
            }
        }
    }
    fs::remove_dir_all(folder).unwrap();
}
