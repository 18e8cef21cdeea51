#![doc = include_str!("../docs/from-c-to-rust.md")]
