//! Sizes and times with units, for pages and plots.

/// Returns a size with its unit.
pub fn bytes(size: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    if size >= MIB && size.is_multiple_of(MIB) {
        format!("{} MiB", size / MIB)
    } else if size >= KIB && size.is_multiple_of(KIB) {
        format!("{} KiB", size / KIB)
    } else {
        format!("{size} B")
    }
}

/// Returns nanoseconds with a suitable unit.
pub fn duration(nanoseconds: f64) -> String {
    if nanoseconds < 1e3 {
        format!("{nanoseconds:.1} ns")
    } else if nanoseconds < 1e6 {
        format!("{:.1} µs", nanoseconds / 1e3)
    } else {
        format!("{:.1} ms", nanoseconds / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, duration};

    #[test]
    fn sizes_and_times_have_suitable_units() {
        let sizes = [0, 1023, 1024, 1536, 1 << 20, 64 << 20].map(bytes);
        assert_eq!(
            sizes,
            ["0 B", "1023 B", "1 KiB", "1536 B", "1 MiB", "64 MiB"]
        );
        assert_eq!(
            [1.25, 1250.0, 1.25e6].map(duration),
            ["1.2 ns", "1.2 µs", "1.2 ms"]
        );
    }
}
