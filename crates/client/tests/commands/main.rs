//! The command line: what it prints, and its exit codes.
//!
//! One file, however long, since all of it is run against the same model through the same door.

mod model;

use model::Model;
use ringcopy_client::{
    Transport, TransportError,
    cli::{self, Console, FAILURE, SUCCESS, USAGE},
    protocol::{Engine, NtStatus, Reach},
};
use serde_json::Value;

struct Output {
    code: i32,
    out: String,
    err: String,
}

impl Output {
    fn json(&self) -> Value {
        assert_eq!(self.err, "", "with --json, standard error stays empty");
        serde_json::from_str(&self.out).expect("one JSON document")
    }
}

fn run_with(model: impl Fn() -> Model, args: &[&str]) -> Output {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run(
        std::iter::once(&"ringcopy").chain(args),
        &mut Console {
            out: &mut out,
            err: &mut err,
            progress: false,
        },
        &mut || Ok(Box::new(model()) as Box<dyn Transport>),
    );
    Output {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn run(args: &[&str]) -> Output {
    run_with(Model::default, args)
}

fn operations(document: &Value) -> &Vec<Value> {
    let operations = document["operations"].as_array().unwrap();
    for operation in operations {
        for field in ["operation", "status", "asked", "copied", "address"] {
            assert!(operation.get(field).is_some(), "no {field} in {operation}");
        }
        assert!(operation["status"].as_str().unwrap().starts_with("STATUS_"));
        if let Some(address) = operation["address"].as_str() {
            assert!(address.starts_with("0x"), "{address}");
        }
    }
    operations
}

fn sloppy() -> Model {
    let mut model = Model::default();
    model.machine.sloppy = true;
    model
}

#[test]
fn info_for_people_and_for_machines() {
    let people = run(&["info"]);
    assert_eq!(people.code, SUCCESS);
    assert!(
        people.out.contains("system virtual, physical"),
        "{}",
        people.out
    );
    let document = run(&["info", "--json"]).json();
    assert_eq!(document["command"], "info");
    assert_eq!(document["information"]["driver_version"], "0.1.0");
    assert_eq!(document["information"]["user_limit"], "0x7fffffff0000");
    assert_eq!(operations(&document).len(), 1);
}

#[test]
fn copy_goes_through_all_three_and_compares() {
    let output = run(&["copy", "--length", "20KiB", "--misalign", "3"]);
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    assert_eq!(output.out.lines().count(), 3, "{}", output.out);
    let document = run(&["--json", "copy", "--length", "20KiB"]).json();
    let operations = operations(&document);
    assert_eq!(operations[0]["copied"], 20 << 10);
    assert_eq!(operations[0]["intact"], true);
    assert_eq!(operations[1]["copied"], 16 << 10);
    assert_eq!(operations[2]["intact"], true);
    assert_eq!(document["succeeded"], true);
}

#[test]
fn copy_carries_a_text() {
    let output = run(&["copy", "--text", "häuser über"]);
    assert_eq!(output.code, SUCCESS);
    assert!(output.out.ends_with("\nhäuser über\n"), "{}", output.out);
    let document = run(&["copy", "--json", "--text", ""]).json();
    assert_eq!(document["text"], "");
}

#[test]
fn a_misaligned_copy_fails_and_says_what_to_do() {
    let output = run(&["copy", "--alignment", "8", "--misalign", "3"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output
            .out
            .contains("STATUS_DATATYPE_MISALIGNMENT: 0 of 4096 bytes")
    );
    assert!(output.err.contains("align the buffer"), "{}", output.err);
    let document = run(&["copy", "--json", "--alignment", "8", "--misalign", "3"]).json();
    assert_eq!(document["succeeded"], false);
    let first = &operations(&document)[0];
    assert_eq!(first["status"], "STATUS_DATATYPE_MISALIGNMENT");
    assert_eq!(first["intact"], Value::Null);
    assert!(first["explanation"].as_str().unwrap().contains("align"));
}

#[test]
fn a_refused_request_is_an_operation_with_a_sentence() {
    let output = run(&["copy", "--alignment", "3"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.err.contains("not a power of two"), "{}", output.err);
    let document = run(&["copy", "--alignment", "3", "--json"]).json();
    assert_eq!(
        operations(&document)[0]["status"],
        "STATUS_INVALID_PARAMETER"
    );
    assert!(document["error"].as_str().unwrap().contains("power of two"));
}

#[test]
fn lost_bytes_are_called_by_their_name() {
    let output = run_with(sloppy, &["copy"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.out.contains("NOT the bytes"), "{}", output.out);
}

#[test]
fn read_dumps_sixteen_bytes_a_line() {
    let output = run(&["read", "--virtual", "0xfffff80000000000", "--length", "40"]);
    assert_eq!(output.code, SUCCESS);
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("fffff80000000000  00 25 4a"),
        "{}",
        lines[0]
    );
    assert!(
        lines[2].starts_with("fffff80000000020  a0 "),
        "{}",
        lines[2]
    );
}

#[test]
fn read_shows_a_hole_as_a_hole_and_goes_on_behind_it() {
    let args = [
        "read",
        "--physical",
        "0x9efe0",
        "--length",
        "0x61040",
        "--engine",
        "system",
    ];
    let output = run(&args);
    assert_eq!(output.code, FAILURE);
    let lines: Vec<_> = output.out.lines().collect();
    assert!(
        lines[1].starts_with("000000000009eff0  00 00"),
        "{}",
        lines[1]
    );
    assert_eq!(
        lines[2],
        "000000000009f000  ?? 397312 bytes: STATUS_INVALID_ADDRESS (no RAM there, or not mapped)"
    );
    let last = lines.last().unwrap();
    assert!(last.starts_with("0000000000100010  00 00"), "{last}");
    assert!(
        output
            .err
            .starts_with("read 64 of 397376 bytes; 32 bytes in, there was STATUS_INVALID"),
        "{}",
        output.err
    );
    assert!(
        output.err.ends_with(
            "hole: physical 0x9f000, 397312 bytes: STATUS_INVALID_ADDRESS (no RAM there, or not \
             mapped)\n"
        ),
        "{}",
        output.err
    );
    let document = run(&[&["--json"], &args[..]].concat()).json();
    let data = document["data"].as_str().unwrap();
    assert_eq!(data.len(), 2 * 0x61040);
    assert_eq!(data.find('?'), Some(64));
    assert_eq!(data.rfind('?'), Some(data.len() - 65));
    let read = &operations(&document)[0];
    assert_eq!(read["status"], "STATUS_INVALID_ADDRESS");
    assert_eq!(read["address"], "0x9f000");
    assert_eq!(
        (&read["asked"], &read["copied"], &read["holes"]),
        (&0x61040.into(), &64.into(), &1.into())
    );
    assert_eq!(
        (&read["engine"], &read["kind"]),
        (&"system".into(), &"physical".into())
    );
    assert_eq!(
        document["holes"],
        serde_json::json!([{
            "kind": "physical",
            "address": "0x9f000",
            "length": 397_312,
            "status": "STATUS_INVALID_ADDRESS",
            "output_offset": 32,
        }])
    );
}

#[test]
fn read_takes_several_ranges_in_one_request() {
    let words = [
        "0xfffff80000000000:4",
        "0xfffff80000000010",
        "2",
        "0xfffff80000000004:1",
    ];
    let bytes = "00254a6f50759494";
    let document = run(&[&["read", "--json"], &words[..]].concat()).json();
    assert_eq!(document["data"], bytes[..14].replace("9494", "94"));
    let operations = operations(&document);
    assert_eq!(operations.len(), 3);
    assert_eq!(operations[1]["from"], "0xfffff80000000010");
    let output = run(&[&["read", "--hex", "--virtual"], &words[..]].concat());
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    let rows: Vec<_> = output.out.lines().map(|line| &line[..26]).collect();
    assert_eq!(
        rows,
        [
            "fffff80000000000  00 25 4a",
            "fffff80000000010  50 75   ",
            "fffff80000000004  94      "
        ]
    );
}

#[test]
fn read_takes_ranges_from_a_file() {
    let folder = Folder::new("ranges");
    let file = folder.write(
        "list",
        "# two of them\n0xfffff80000000001:2\n\n 0xfffff80000000000  1 # the first byte\n",
    );
    let document = run(&["read", "--json", "--ranges", &file]).json();
    assert_eq!(document["data"], "254a00");
    for (text, advice) in [
        ("1:2\n\nfee0:4\n", ", line 3: `fee0`"),
        ("1:2 3:4", "line 1: one line names one range"),
        ("# nothing", "names no ranges"),
        ("0:8\n4:8\n", "the ranges 0x0:0x8 and 0x4:0x8 overlap"),
        ("0x10:0\n", "line 1: 0x10:0x0 has no bytes"),
        (
            "0xffffffffffffffff:2\n",
            "line 1: 0xffffffffffffffff:0x2 runs past the end",
        ),
    ] {
        let file = folder.write("bad", text);
        let output = run(&["read", "--ranges", &file]);
        assert_eq!((output.code, output.out.as_str()), (FAILURE, ""), "{text}");
        assert!(output.err.contains(advice), "{text}: {}", output.err);
    }
    let output = run(&["read", "--ranges", "/no/such/file"]);
    assert!(
        output
            .err
            .contains("cannot read the ranges in /no/such/file"),
        "{}",
        output.err
    );
    std::fs::write(folder.path("bad"), [0xFF, 0xFE, 0]).unwrap();
    assert_eq!(
        run(&["read", "--ranges", &folder.path("bad")]).code,
        FAILURE
    );
}

/// A folder of a test's own.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ringcopy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A driver that is lost after so many requests.
fn lost_from(request: usize) -> impl Fn() -> Model {
    move || Model {
        lost_from: Some(request),
        // Every byte of memory tells its address.
        twist: Some(Box::new(|_, address, _, _| {
            (address ^ address >> 8 ^ address >> 16).to_le_bytes()[0]
        })),
        ..Model::default()
    }
}

#[test]
fn a_read_goes_on_where_it_stopped_and_loses_nothing() {
    let folder = Folder::new("resume");
    let (whole, part) = (folder.path("whole"), folder.path("part"));
    // 5 MiB with a hole of 388 KiB, then another range.
    let command = |file: &str, resume: &[&str]| -> Vec<String> {
        let words = [
            "read",
            "--physical",
            "0x80000:5MiB",
            "0x2000000:100",
            "--output",
            file,
        ];
        words
            .iter()
            .chain(resume)
            .map(|&word| word.into())
            .collect()
    };
    let run = |request, words: Vec<String>| {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run_with(lost_from(request), &words)
    };
    let complete = run(usize::MAX, command(&whole, &[]));
    assert_eq!(complete.code, FAILURE, "a hole is a failure");
    assert!(
        complete.out.contains("bytes written to"),
        "{}",
        complete.out
    );
    assert!(
        complete.out.contains("of which 397312 are holes"),
        "{}",
        complete.out
    );
    assert!(
        complete
            .err
            .contains("hole: physical 0x9f000, 397312 bytes")
    );
    assert_eq!(folder.names(), ["whole"]);

    let lost = run(3, command(&part, &[]));
    assert_eq!(lost.code, FAILURE);
    assert!(
        lost.err.contains("can no longer be reached"),
        "{}",
        lost.err
    );
    let kept = folder.read("part").len();
    assert!(kept >= 1 << 20, "{kept}");
    assert!(
        lost.err.contains(&format!("{kept} bytes are in ")) && lost.err.contains("--resume"),
        "{}",
        lost.err
    );
    assert_eq!(folder.names(), ["part", "part.unfinished", "whole"]);

    // Not by accident, and not with other memory.
    let forgot = run(usize::MAX, command(&part, &[]));
    assert!(
        forgot.err.contains("holds an unfinished read"),
        "{}",
        forgot.err
    );
    let words = [
        "read",
        "--physical",
        "0x80000:6MiB",
        "--output",
        &part,
        "--resume",
    ];
    let other = run(usize::MAX, words.map(String::from).to_vec());
    assert_eq!(other.code, FAILURE);
    assert!(
        other
            .err
            .contains("unfinished read of other memory (physical 0x80000:0x500000 and 1 more)"),
        "{}",
        other.err
    );
    assert_eq!(folder.read("part").len(), kept, "a refusal changes nothing");

    // In the middle of a line of the sidecar, and of a request's bytes.
    std::fs::write(folder.path("part"), &folder.read("part")[..kept - 1000]).unwrap();
    let mut sidecar = folder.read("part.unfinished");
    sidecar.extend(b"{\"at\":12");
    std::fs::write(folder.path("part.unfinished"), sidecar).unwrap();
    let lost = run(1, command(&part, &["--resume"]));
    assert_eq!(lost.code, FAILURE);
    let done = run(usize::MAX, command(&part, &["--resume"]));
    assert_eq!(done.code, FAILURE, "a hole is a failure");
    assert!(
        folder.read("part") == folder.read("whole"),
        "the bytes differ"
    );
    assert_eq!(folder.names(), ["part", "whole"]);
    assert!(
        done.err.contains("hole: physical 0x9f000, 397312 bytes"),
        "{}",
        done.err
    );

    let again = run(usize::MAX, command(&part, &["--resume"]));
    assert!(again.err.contains("but no "), "{}", again.err);
}

#[test]
fn a_file_that_grew_by_itself_is_not_gone_on_with() {
    let folder = Folder::new("grew");
    let file = folder.path("memory");
    let args = ["read", "--physical", "1MiB:3MiB", "--output", &file];
    assert_eq!(run_with(lost_from(1), &args).code, FAILURE);
    std::fs::write(&file, vec![0; (3 << 20) + 1]).unwrap();
    let output = run(&[&args[..], &["--resume"]].concat());
    assert!(
        output.err.contains("something else wrote to it"),
        "{}",
        output.err
    );
    folder.write("memory.unfinished", "nonsense");
    let output = run(&[&args[..], &["--resume"]].concat());
    assert!(
        output.err.contains("does not tell which ranges"),
        "{}",
        output.err
    );
    std::fs::remove_file(&file).unwrap();
    folder.write("memory.unfinished", "nonsense");
    let output = run(&args);
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    assert_eq!(folder.names(), ["memory"]);
}

#[test]
fn a_full_disk_is_a_sentence() {
    let output = run(&["read", "--physical", "1MiB:4KiB", "--output", "/dev/full"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.err.contains("cannot write /dev/full"),
        "{}",
        output.err
    );
    assert!(output.err.contains("make room"), "{}", output.err);
}

#[test]
fn a_refusal_writes_no_zeros_and_can_be_gone_on_with() {
    let folder = Folder::new("refused");
    let file = folder.path("memory");
    let args = ["read", "--physical", "0x2000:1GiB", "--output", &file];
    let model = || Model {
        policy: Reach::SYSTEM_VIRTUAL,
        reach: Reach::SYSTEM_VIRTUAL,
        ..Model::default()
    };
    let output = run_with(model, &args);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.err.contains("set bit 1 (physical memory)"),
        "{}",
        output.err
    );
    assert!(folder.read("memory").is_empty());
    // Without a byte in it, it may be begun again with other memory.
    let output = run(&["read", "--physical", "0x2000:16", "--output", &file]);
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    // To people, what is refused is one hole, and what is not is read all the same.
    let args = ["read", "0xfffff80000000000:1", "--json"];
    assert_eq!(run_with(model, &args).json()["data"], "00");
    let args = ["read", "0xfffff80000000000:1TiB", "0xffffa00000000000:1"];
    let args = args.map(|word| word.replace("1TiB", "1024GiB"));
    let model = || Model {
        policy: Reach::all(),
        reach: Reach::empty(),
        ..Model::default()
    };
    let output = run_with(model, &args.each_ref().map(String::as_str));
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", output.out);
    assert!(lines[0].contains("?? 1099511627776 bytes: STATUS_PRIVILEGE_NOT_HELD"));
    assert!(
        lines[1].starts_with("ffffa00000000000  00 "),
        "{}",
        lines[1]
    );
}

#[test]
fn ranges_for_people_and_for_machines() {
    let output = run(&["ranges"]);
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    assert_eq!(
        output.out,
        "base                end (exclusive)               size\n\
         0x0000000000001000  0x000000000009f000      632.00 KiB\n\
         0x0000000000100000  0x0000000040000000     1023.00 MiB\n\
         total               2 ranges               1023.62 MiB\n"
    );
    let document = run(&["ranges", "--json"]).json();
    assert_eq!(document["total"], 0x3FF0_0000 + 0x9_E000);
    assert_eq!(document["ranges"][1]["base"], "0x100000");
    assert_eq!(document["ranges"][1]["end"], "0x40000000");
    assert_eq!(document["ranges"][0]["length"], 0x9_E000);
    assert_eq!(operations(&document)[0]["operation"], "memory ranges");
    let refused = || Model {
        ranges_status: NtStatus::INVALID_DEVICE_REQUEST,
        ..Model::default()
    };
    let output = run_with(refused, &["ranges"]);
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert!(output.err.contains("no such request"), "{}", output.err);
}

#[test]
fn a_fallback_is_shown_to_machines() {
    let model = || {
        let mut model = Model::default();
        model.machine.paged_out.insert(0xFFFF_F800_0000_0000 / 4096);
        model
    };
    let document = run_with(model, &["read", "0xfffff80000000000:4", "--json"]).json();
    let read = &operations(&document)[0];
    assert_eq!(
        (&read["engine"], &read["fell_back"]),
        (&"system".into(), &true.into())
    );
}

#[test]
fn verify_finds_engines_that_agree() {
    let output = run(&["verify", "--random", "300", "--seed", "7"]);
    assert_eq!(
        (output.code, output.err.as_str()),
        (SUCCESS, ""),
        "{}",
        output.out
    );
    let lines: Vec<_> = output.out.lines().collect();
    assert!(
        lines[0].starts_with("compared 300 pieces, seed 7: "),
        "{}",
        lines[0]
    );
    assert_eq!(lines[1], "changed 0: memory that was written to in between");
    assert_eq!(lines[2], "disagreements 0");
    let verify = |seed| run(&["verify", "--random", "300", "--seed", seed, "--json"]).json();
    let document = verify("7");
    assert_eq!(document["compared"], 300);
    assert_eq!(document["changed"], 0);
    assert_eq!(document["disagreements"], 0);
    assert_eq!(document["seed"], 7);
    assert!(document["bytes"].as_u64().unwrap() > 10_000);
    assert!(document["incomplete"].as_u64().unwrap() > 20);
    let told = |document: &Value| (document["bytes"].clone(), document["incomplete"].clone());
    assert_eq!(
        told(&document),
        told(&verify("7")),
        "a seed decides the choice"
    );
    assert_ne!(told(&document), told(&verify("8")));
    assert_eq!(run(&["verify", "--json"]).json()["compared"], 1000);
}

/// A driver that reads a byte wrong: which engine, where, in which read, what it was.
fn twisted(wrong: impl Fn(Engine, u64, u64) -> bool + Copy + 'static) -> impl Fn() -> Model {
    move || Model {
        twist: Some(Box::new(move |engine, address, read, byte| {
            if wrong(engine, address, read) {
                byte ^ read.to_le_bytes()[0].max(1)
            } else {
                byte
            }
        })),
        ..Model::default()
    }
}

#[test]
fn verify_tells_disagreement_from_change() {
    const ADDRESS: u64 = 0x20_0010;
    let args = ["verify", "--physical", "0x200000:64", "0x300000:1MiB"];
    let json = [
        "--json",
        "verify",
        "--physical",
        "0x200000:64",
        "0x300000:1MiB",
    ];
    // One engine reads one byte wrong, always in the same way.
    let steady = || Model {
        twist: Some(Box::new(|engine, address, _, byte| {
            byte ^ u8::from(engine == Engine::Native && address == ADDRESS)
        })),
        ..Model::default()
    };
    let output = run_with(steady, &args);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.out.ends_with(
            "disagreements 1\n  physical 0x200000, 64 bytes: native says STATUS_SUCCESS of 64 \
             bytes, system STATUS_SUCCESS of 64 bytes; byte 16 differs\n"
        ),
        "{}",
        output.out
    );
    let document = run_with(steady, &json).json();
    assert_eq!(document["compared"], 17);
    assert_eq!(document["disagreements"], 1);
    assert_eq!(document["disagreed_at"][0]["byte"], 16);
    // The byte changes with every look: nobody is wrong.
    let restless = twisted(|_, address, _| address == ADDRESS);
    let document = run_with(restless, &json).json();
    assert_eq!(
        (&document["changed"], &document["disagreements"]),
        (&1.into(), &0.into())
    );
    assert_eq!(document["succeeded"], true);
    assert_eq!(document["changed_at"][0]["address"], "0x200000");
    // It changed once, between the two engines' first looks.
    let once = twisted(|_, address, read| address == ADDRESS && read == 1);
    let document = run_with(once, &json).json();
    assert_eq!(
        (&document["changed"], &document["disagreements"]),
        (&1.into(), &0.into())
    );
    // Beside a byte that never rests, the engines differ in one that does.
    let hidden = || Model {
        twist: Some(Box::new(|engine, address, read, byte| match address {
            ADDRESS => byte ^ read.to_le_bytes()[0],
            0x20_0020 => byte ^ u8::from(engine == Engine::System),
            _ => byte,
        })),
        ..Model::default()
    };
    let document = run_with(hidden, &json).json();
    assert_eq!(
        (&document["changed"], &document["disagreements"]),
        (&0.into(), &1.into())
    );
    assert_eq!(document["disagreed_at"][0]["byte"], 32);
}

#[test]
fn a_change_where_nothing_changes_is_a_disagreement() {
    // The session buffer, misread now and then.
    let flaky = twisted(|engine, address, read| {
        engine == Engine::Native && address >> 11 == 0x10_0800 >> 11 && read.is_multiple_of(3)
    });
    let document = run_with(flaky, &["verify", "--physical", "--json", "--seed", "1"]).json();
    assert!(
        document["disagreements"].as_u64().unwrap() > 0,
        "{document}"
    );
    assert_eq!(document["changed"], 0);
}

#[test]
fn verify_keeps_to_what_it_may_reach_and_says_so() {
    let model = |policy| {
        move || Model {
            policy,
            reach: Reach::empty(),
            ..Model::default()
        }
    };
    let args = ["verify", "--random", "200", "--seed", "1"];
    let output = run_with(model(Reach::empty()), &args);
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    assert!(
        output.out.starts_with("compared 200 pieces"),
        "{}",
        output.out
    );
    assert!(
        output
            .err
            .contains("only memory of this process and the session buffer are compared"),
        "{}",
        output.err
    );
    assert!(
        output
            .err
            .contains("bit 0 (system virtual memory) or bit 1 (physical memory)"),
        "{}",
        output.err
    );
    let output = run_with(model(Reach::all()), &args);
    assert!(output.err.contains("SeDebugPrivilege"), "{}", output.err);
    let given = ["verify", "--physical", "0x200000:64"];
    let output = run_with(model(Reach::empty()), &given);
    assert_eq!(output.code, FAILURE, "what was asked for was not compared");
    assert!(
        output.err.contains("1 pieces are out of reach"),
        "{}",
        output.err
    );
    assert!(
        output.err.contains("bit 1 (physical memory)"),
        "{}",
        output.err
    );
}

#[test]
fn verify_needs_two_engines() {
    let model = || Model {
        native_status: NtStatus::NOT_SUPPORTED,
        ..Model::default()
    };
    let output = run_with(model, &["verify"]);
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert!(output.err.contains("nothing to compare"), "{}", output.err);
}

#[test]
fn read_splits_what_one_request_cannot_carry() {
    let directory = std::env::temp_dir().join(format!("ringcopy-read-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("memory");
    let name = path.to_str().unwrap();
    let output = run(&[
        "read",
        "--physical",
        "1MiB",
        "--length",
        "0x280_001",
        "--output",
        name,
    ]);
    let written = std::fs::metadata(&path).map(|file| file.len());
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    assert_eq!(written.unwrap(), 0x28_0001);
    assert!(
        output.out.contains("2621441 bytes written to"),
        "{}",
        output.out
    );
    assert!(output.out.contains("native engine"), "{}", output.out);
}

#[test]
fn read_into_no_file_says_so() {
    let output = run(&["read", "--virtual", "0", "--output", "/no/such/folder/x"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.err.contains("cannot write /no/such/folder/x"),
        "{}",
        output.err
    );
}

#[test]
fn read_out_of_reach_names_policy_or_privilege() {
    let model = |policy| {
        move || Model {
            policy,
            reach: Reach::empty(),
            ..Model::default()
        }
    };
    let args = ["read", "--physical", "0x1000"];
    let denied = run_with(model(Reach::empty()), &args);
    assert_eq!(
        (denied.code, denied.out.as_str()),
        (
            FAILURE,
            "0000000000001000  ?? 256 bytes: STATUS_ACCESS_DENIED (the policy keeps it out of \
             reach)\n"
        )
    );
    assert!(
        denied.err.contains("bit 1 (physical memory) of `Policy`"),
        "{}",
        denied.err
    );
    let unprivileged = run_with(model(Reach::all()), &args);
    assert!(
        unprivileged.err.contains("SeDebugPrivilege"),
        "{}",
        unprivileged.err
    );
}

#[test]
fn selftest_fits_a_screen_and_says_ok() {
    let output = run(&["selftest"]);
    assert_eq!(
        (output.code, output.err.as_str()),
        (SUCCESS, ""),
        "{}",
        output.out
    );
    let lines: Vec<_> = output.out.lines().collect();
    assert!(lines.len() <= 45, "{} lines", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(
        lines
            .last()
            .unwrap()
            .ends_with(" passed, 0 failed, 0 skipped")
    );
    let rows: Vec<_> = lines.iter().filter(|line| line.starts_with("  ")).collect();
    assert!(
        rows.iter().all(|row| row.ends_with(" ok")),
        "{}",
        output.out
    );
    let column = |row: &str| row.find("STATUS_");
    assert!(
        rows.iter().all(|row| column(row) == column(rows[0])),
        "{}",
        output.out
    );
}

#[test]
fn selftest_reports_every_case_to_machines() {
    let document = run(&["selftest", "--json"]).json();
    let operations = operations(&document);
    assert!(operations.len() >= 40);
    assert!(
        operations
            .iter()
            .all(|operation| operation["passed"] == true)
    );
    assert_eq!(document["counts"]["failed"], 0);
    assert_eq!(document["skipped"].as_array().unwrap().len(), 0);
}

#[test]
fn selftest_of_a_bad_driver_exits_with_1() {
    let output = run_with(sloppy, &["selftest"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.out.contains("FAILED: byte "), "{}", output.out);
    assert_eq!(
        run_with(sloppy, &["selftest", "--json"]).json()["succeeded"],
        false
    );
}

#[test]
fn an_open_that_is_denied_is_one_sentence() {
    let model = || Model {
        open_status: NtStatus::ACCESS_DENIED,
        ..Model::default()
    };
    let output = run_with(model, &["selftest"]);
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert!(output.err.contains("as an administrator"), "{}", output.err);
    let document = run_with(model, &["info", "--json"]).json();
    assert_eq!(operations(&document)[0]["operation"], "open");
}

#[test]
fn no_driver_is_one_sentence() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run(
        ["ringcopy", "info"],
        &mut Console {
            out: &mut out,
            err: &mut err,
            progress: false,
        },
        &mut || Err(TransportError::Unavailable("there is none here".into())),
    );
    assert_eq!(code, FAILURE);
    assert_eq!(out, b"");
    assert_eq!(err, b"ringcopy: there is none here.\n");
}

#[test]
fn the_program_alone_says_where_the_driver_runs() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ringcopy"))
        .arg("info")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(FAILURE));
    assert_eq!(output.stdout, b"");
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("Windows"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1);
}

#[test]
fn nonsense_exits_with_2_and_help() {
    for (args, advice) in [
        (&["read"][..], "--virtual"),
        (
            &["read", "--virtual", "1", "--physical", "1"],
            "cannot be used with",
        ),
        (&["read", "--virtual", "fee0"], "0x"),
        (&["read", "--virtual", "0", "--engine", "best"], "native"),
        (
            &["read", "--virtual", "0", "--length", "2MiB", "--json"],
            "--output",
        ),
        (
            &[
                "read",
                "--physical",
                "0xffffffffffffffff",
                "--length",
                "2MiB",
            ],
            "runs past the end of the address space",
        ),
        (&["read", "0x1000:0"], "has no bytes"),
        (&["read", "0:16", "8:16"], "overlap"),
        (&["read", "1", "2", "3"], "`3` has no length"),
        (&["read", "1:1", "--physical", "2:2"], "in one place"),
        (&["read", "1:1", "--resume"], "--output"),
        (
            &["read", "1:1", "--resume", "--hex", "--output", "x"],
            "cannot be used with",
        ),
        (
            &["read", "1:0xffffffffffffffff", "0:1", "--json"],
            "more bytes in all",
        ),
        (&["copy", "--length", "1GiB"], "64 MiB"),
        (
            &["copy", "--length", "1", "--text", "x"],
            "cannot be used with",
        ),
        (&["copy", "--misalign", "4096"], "4096"),
        (&["frobnicate"], "Usage"),
        (&[], "Usage"),
    ] {
        let output = run(args);
        assert_eq!(output.code, USAGE, "{args:?}");
        assert_eq!(output.out, "", "{args:?}");
        assert!(output.err.contains(advice), "{args:?}: {}", output.err);
    }
}

#[test]
fn help_and_version_succeed_on_standard_output() {
    for args in [&["--help"][..], &["read", "--help"], &["--version"]] {
        let output = run(args);
        assert_eq!(
            (output.code, output.err.as_str()),
            (SUCCESS, ""),
            "{args:?}"
        );
        assert!(output.out.contains("ringcopy"), "{args:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure_and_no_panic() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for args in [&["selftest"][..], &["info", "--json"], &["--help"]] {
        let code = cli::run(
            std::iter::once(&"ringcopy").chain(args),
            &mut Console {
                out: &mut Closed,
                err: &mut Closed,
                progress: false,
            },
            &mut || Ok(Box::new(Model::default()) as Box<dyn Transport>),
        );
        assert_eq!(code, FAILURE, "{args:?}");
    }
}
