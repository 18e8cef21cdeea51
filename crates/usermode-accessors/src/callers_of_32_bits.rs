#![doc = include_str!("../docs/callers-of-32-bits.md")]
