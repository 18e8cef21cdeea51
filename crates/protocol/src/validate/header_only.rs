//! Requests that are a header alone.

use super::{Lengths, Validate};
use crate::{Header, InformationRequest, NtStatus};

/// Implements [`Validate`] for requests that have nothing to check after the header.
macro_rules! header_only {
    ($($request:ty),+) => {
        $(
            const _: () = assert!(size_of::<$request>() == size_of::<Header>());

            impl Validate for $request {
                type Valid = ();

                /// # Errors
                ///
                /// None.
                fn validate(&self, _: Lengths) -> Result<(), NtStatus> {
                    Ok(())
                }
            }
        )+
    };
}

header_only!(InformationRequest);
