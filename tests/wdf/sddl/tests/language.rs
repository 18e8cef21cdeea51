//! The language that the documentation of device objects describes, and its edges.

use wdfldr_sddl::{Dacl, Entry, Malformed};

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// The rights, the authority's last byte and the sub-authorities of each entry.
fn entries(text: &str) -> Result<Vec<(u32, u8, Vec<u32>)>, Malformed> {
    let text = units(text);
    let dacl = Dacl::parse(&text)?;
    Ok(dacl
        .entries()
        .map(|Entry { access, sid }| {
            let [0, 0, 0, 0, 0, authority] = sid.authority else {
                return (access, u8::MAX, Vec::new());
            };
            (access, authority, sid.sub_authorities.as_slice().to_vec())
        })
        .collect())
}

fn refused_at(text: &str) -> Option<usize> {
    entries(text).err().map(|malformed| malformed.position)
}

#[test]
fn system_and_administrators() {
    assert_eq!(
        entries("D:P(A;;GA;;;SY)(A;;GA;;;BA)"),
        Ok(vec![
            (0x1000_0000, 5, vec![18]),
            (0x1000_0000, 5, vec![32, 544]),
        ])
    );
}

#[test]
fn documented_example_with_everybody() {
    assert_eq!(
        entries("D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)(A;;GR;;;RC)"),
        Ok(vec![
            (0x1000_0000, 5, vec![18]),
            (0xE000_0000, 5, vec![32, 544]),
            (0x8000_0000, 1, vec![0]),
            (0x8000_0000, 5, vec![12]),
        ])
    );
}

#[test]
fn every_code_of_an_identifier() {
    for (code, authority, parts) in [
        ("SY", 5, vec![18]),
        ("LS", 5, vec![19]),
        ("NS", 5, vec![20]),
        ("BA", 5, vec![32, 544]),
        ("BU", 5, vec![32, 545]),
        ("BG", 5, vec![32, 546]),
        ("AU", 5, vec![11]),
        ("AN", 5, vec![7]),
        ("IU", 5, vec![4]),
        ("NU", 5, vec![2]),
        ("WD", 1, vec![0]),
        ("RC", 5, vec![12]),
        ("UD", 5, vec![84, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(
            entries(&format!("D:P(A;;GR;;;{code})")),
            Ok(vec![(0x8000_0000, authority, parts)]),
            "{code}"
        );
    }
}

#[test]
fn every_code_of_a_right() {
    for (code, right) in [
        ("GA", 0x1000_0000),
        ("GX", 0x2000_0000),
        ("GW", 0x4000_0000),
        ("GR", 0x8000_0000),
        ("SD", 0x0001_0000),
        ("RC", 0x0002_0000),
        ("WD", 0x0004_0000),
        ("WO", 0x0008_0000),
    ] {
        assert_eq!(
            entries(&format!("D:P(A;;{code};;;SY)")),
            Ok(vec![(right, 5, vec![18])]),
            "{code}"
        );
    }
}

#[test]
fn rights_as_a_number() {
    assert_eq!(
        entries("D:P(A;;0x1200a9;;;SY)(A;;0xFFFFFFFF;;;SY)"),
        Ok(vec![(0x0012_00A9, 5, vec![18]), (u32::MAX, 5, vec![18])])
    );
    assert_eq!(refused_at("D:P(A;;0x100000000;;;SY)"), Some(17));
    assert_eq!(refused_at("D:P(A;;0x;;;SY)"), Some(9));
}

#[test]
fn identifiers_in_full() {
    assert_eq!(
        entries("D:P(A;;GA;;;S-1-5-21-4294967295-0-1-500)"),
        Ok(vec![(0x1000_0000, 5, vec![21, u32::MAX, 0, 1, 500])])
    );
    let full = "-1".repeat(15);
    assert_eq!(
        entries(&format!("D:P(A;;GA;;;S-1-0x5{full})")),
        Ok(vec![(0x1000_0000, 5, vec![1; 15])])
    );
    let crowded = "-1".repeat(16);
    assert!(entries(&format!("D:P(A;;GA;;;S-1-5{crowded})")).is_err());
    assert!(entries("D:P(A;;GA;;;S-1-5)").is_err());
    assert!(entries("D:P(A;;GA;;;S-1-5-)").is_err());
    assert!(entries("D:P(A;;GA;;;S-1-5-4294967296)").is_err());
    assert!(entries("D:P(A;;GA;;;S-1-0x1000000000000-1)").is_err());
    assert!(entries("D:P(A;;GA;;;S-2-5-18)").is_err());
}

#[test]
fn large_authorities_keep_their_six_bytes() {
    let text = units("D:P(A;;GA;;;S-1-0x123456789abc-7)");
    let sids: Vec<_> = Dacl::parse(&text)
        .map(|dacl| dacl.entries().map(|entry| entry.sid.authority).collect())
        .unwrap_or_default();
    assert_eq!(sids, [[0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC]]);
}

#[test]
fn an_empty_list_allows_no_access() {
    assert_eq!(entries("D:P"), Ok(vec![]));
}

#[test]
fn protection_is_reported() {
    let (protected, open) = (units("D:P(A;;GA;;;SY)"), units("D:(A;;GA;;;SY)"));
    assert_eq!(
        Dacl::parse(&protected).map(|dacl| dacl.is_protected()),
        Ok(true)
    );
    assert_eq!(
        Dacl::parse(&open).map(|dacl| dacl.is_protected()),
        Ok(false)
    );
}

#[test]
fn everything_else_is_refused_where_it_departs() {
    for (text, position) in [
        ("", 0),
        ("D", 0),
        ("d:P", 0),
        ("O:SYD:P(A;;GA;;;SY)", 0),
        ("D:PAI(A;;GA;;;SY)", 3),
        ("D:P(D;;GA;;;SY)", 3),
        ("D:P(A;CI;GA;;;SY)", 3),
        ("D:P(A;;;;;SY)", 7),
        ("D:P(A;;ga;;;SY)", 7),
        ("D:P(A;;GAX;;;SY)", 9),
        ("D:P(A;;GA;1;;SY)", 9),
        ("D:P(A;;GA;;;XX)", 12),
        ("D:P(A;;GA;;;SY", 14),
        ("D:P(A;;GA;;;SY))", 15),
        ("D:P(A;;GA;;;SY) ", 15),
        ("D:P (A;;GA;;;SY)", 3),
        ("D:P(A;;GA;;;SY)S:(AU;SA;GA;;;WD)", 15),
    ] {
        assert_eq!(refused_at(text), Some(position), "{text:?}");
    }
}

#[test]
fn a_null_inside_is_refused() {
    assert_eq!(refused_at("D:P\0"), Some(3));
}
