//! The driver's events. On Windows `ringcopy trace` collects them.

pub use ringcopy_driver_events::{Event, Malformed, Raw, VERBOSE, Value, level_name};

/// The name of the driver's provider.
pub const PROVIDER_NAME: &str = "RingCopy.Driver";

/// The identifier of the driver's provider, which is derived from its name.
pub const PROVIDER: u128 = 0x6cff_2c69_b839_5253_1c55_8ed9_52d1_320d;
