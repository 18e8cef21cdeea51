//! The settings: values under the service's `Parameters` key, each a `REG_DWORD`. The driver reads
//! them when it is loaded.

use core::ops::RangeInclusive;

use crate::{EngineKind, Reach};

/// How many open handles an administrator may allow. Each may hold a session buffer: 64 MiB in all.
pub const HANDLE_LIMITS: RangeInclusive<u32> = 1..=4096;

/// What the registry has under a value's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing.
    Missing,
    /// A `REG_DWORD` of four bytes.
    Number(u32),
    /// Something else.
    Unreadable,
}

macro_rules! settings {
    ($(
        $(#[$doc:meta])*
        $value:ident = $name:literal, $field:ident: $type:ty,
        missing $default:expr, invalid $least:expr, $from:expr, $to:expr;
    )+) => {
        $(
            #[doc = concat!("The name of the value that holds [`Settings::", stringify!($field), "`].")]
            pub const $value: &str = $name;
        )+

        /// What the administrator set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Settings {
            $($(#[$doc])* pub $field: $type,)+
        }

        impl Default for Settings {
            /// Returns the settings of an empty key.
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Settings {
            /// Reads all values. `stored` looks up a name. A value that is not a number, or not one
            /// that the setting takes, allows the least.
            ///
            /// # Errors
            ///
            /// The first error of `stored`.
            pub fn read<E>(
                mut stored: impl FnMut(&'static str) -> Result<Stored, E>,
            ) -> Result<Self, E> {
                Ok(Self {
                    $($field: match stored($name)? {
                        Stored::Missing => $default,
                        Stored::Number(number) => $from(number).unwrap_or($least),
                        Stored::Unreadable => $least,
                    },)+
                })
            }

            /// Writes all values, by name.
            ///
            /// # Errors
            ///
            /// The first error of `store`.
            pub fn write<E>(
                &self,
                mut store: impl FnMut(&'static str, u32) -> Result<(), E>,
            ) -> Result<(), E> {
                $(store($name, $to(self.$field))?;)+
                Ok(())
            }
        }
    };
}

settings! {
    /// What callers may reach besides their own memory. Unknown bits mean nothing.
    POLICY_VALUE = "Policy", policy: Reach,
        missing Reach::empty(), invalid Reach::empty(),
        |bits| Some(Reach::from_bits_truncate(bits)), |reach: Reach| reach.bits();
    /// [`EngineKind::System`] excludes the native engine for all requests.
    ENGINE_VALUE = "Engine", engine: EngineKind,
        missing EngineKind::Auto, invalid EngineKind::System,
        EngineKind::from_wire, |engine| engine as u32;
    /// Whether the native engine is to be used although a hypervisor may withhold memory from it: 1
    /// or 0.
    NATIVE_VALUE = "Native", native_under_hypervisor: bool,
        missing false, invalid false,
        |number| (number < 2).then_some(number == 1), u32::from;
    /// The number of handles that may be open at a time, in [`HANDLE_LIMITS`]. The next open fails
    /// with `STATUS_TOO_MANY_OPENED_FILES`.
    MAXIMUM_HANDLES_VALUE = "MaximumHandles", maximum_handles: u32,
        missing 256, invalid *HANDLE_LIMITS.start(),
        |number| HANDLE_LIMITS.contains(&number).then_some(number), |number| number;
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, convert::Infallible};

    use super::*;

    fn read(name: &str, stored: Stored) -> Settings {
        let look_up = |asked| {
            Ok::<_, Infallible>(if asked == name {
                stored
            } else {
                Stored::Missing
            })
        };
        Settings::read(look_up).unwrap()
    }

    #[test]
    fn an_empty_key_has_the_defaults() {
        let settings = read("", Stored::Unreadable);
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.maximum_handles, 256);
        assert_eq!(settings.engine, EngineKind::Auto);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for settings in [
            Settings::default(),
            Settings {
                policy: Reach::all(),
                engine: EngineKind::Native,
                native_under_hypervisor: true,
                maximum_handles: 4096,
            },
        ] {
            let mut values = BTreeMap::new();
            let store = |name, number| {
                values.insert(name, number);
                Ok::<_, Infallible>(())
            };
            settings.write(store).unwrap();
            assert_eq!(values.len(), 4);
            let back = Settings::read(|name| Ok::<_, Infallible>(Stored::Number(values[name])));
            assert_eq!(back, Ok(settings));
        }
    }

    #[test]
    fn what_is_no_number_allows_the_least() {
        let least = Settings::read(|_| Ok::<_, Infallible>(Stored::Unreadable)).unwrap();
        let expected = Settings {
            policy: Reach::empty(),
            engine: EngineKind::System,
            native_under_hypervisor: false,
            maximum_handles: 1,
        };
        assert_eq!(least, expected);
    }

    #[test]
    fn a_number_that_a_setting_does_not_take_allows_the_least() {
        for number in [0, 4097, u32::MAX] {
            let settings = read(MAXIMUM_HANDLES_VALUE, Stored::Number(number));
            assert_eq!(settings.maximum_handles, 1, "{number}");
        }
        for number in [3, u32::MAX] {
            let settings = read(ENGINE_VALUE, Stored::Number(number));
            assert_eq!(settings.engine, EngineKind::System, "{number}");
        }
        for (number, expected) in [(0, false), (1, true), (2, false), (u32::MAX, false)] {
            let settings = read(NATIVE_VALUE, Stored::Number(number));
            assert_eq!(settings.native_under_hypervisor, expected, "{number}");
        }
        let settings = read(POLICY_VALUE, Stored::Number(u32::MAX));
        assert_eq!(settings.policy, Reach::all());
    }

    #[test]
    fn the_first_error_ends_the_reading() {
        assert_eq!(Settings::read(|_| Err::<Stored, _>(5)), Err(5));
    }
}
