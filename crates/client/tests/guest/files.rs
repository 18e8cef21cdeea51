//! The files that the host reads.

use std::fs;

use ringcopy_guest_protocol::{DATA_LIMIT, FileName, ToGuest, ToHost};

use crate::{TestMachine, folder::Folder, refused, served};

#[test]
fn files_are_listed_and_read_in_parts() {
    let folder = Folder::new("guest-files");
    let dumps = folder.at().join("Minidump");
    fs::create_dir(&dumps).unwrap();
    let dump: Vec<u8> = (0..251).cycle().take(3 * DATA_LIMIT + 5).collect();
    fs::write(dumps.join("112926-01.dmp"), &dump).unwrap();
    fs::write(dumps.join("no name.dmp"), "no").unwrap();
    folder.write("ringcopy-vm-test.txt", "a report");
    folder.write("private.txt", "not offered");
    let mut machine = TestMachine {
        dumps: vec![dumps, folder.at().join("MEMORY.DMP")],
        ..TestMachine::default()
    };
    let name = |text: &str| FileName::try_from(text.to_owned()).unwrap();
    let read = |offset| ToGuest::Read {
        name: name("112926-01.dmp"),
        offset,
    };
    let offsets: Vec<_> = (0..6).map(|part| part * DATA_LIMIT as u64).collect();
    let requests = std::iter::once(ToGuest::List)
        .chain(offsets.iter().map(|offset| read(*offset)))
        .chain([ToGuest::Read {
            name: name("private.txt"),
            offset: 0,
        }]);
    let messages = served(&mut machine, &folder, requests);
    let ToHost::Files(files) = &messages[1] else {
        panic!("{:?}", messages[1]);
    };
    let listed: Vec<_> = files
        .iter()
        .map(|file| (file.name.as_str(), file.length))
        .collect();
    assert_eq!(
        listed,
        [
            ("ringcopy-vm-test.txt", 8),
            ("112926-01.dmp", dump.len() as u64)
        ]
    );
    let mut whole = Vec::new();
    for (message, offset) in messages[2..8].iter().zip(offsets) {
        let ToHost::Data {
            bytes,
            offset: at,
            length,
            ..
        } = message
        else {
            panic!("{message:?}");
        };
        assert_eq!((*at, *length), (offset, dump.len() as u64));
        whole.extend_from_slice(&bytes.0);
    }
    assert!(whole == dump, "the parts make the file");
    assert_eq!(refused(&messages[8]), "there is no file private.txt");
}
