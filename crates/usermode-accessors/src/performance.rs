#![doc = include_str!("../docs/performance.md")]
#![doc = include_str!("../docs/ratio-by-size.svg")]
