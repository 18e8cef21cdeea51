//! [`InformationRequest`]: nothing but a header.

use super::{Lengths, Request};
use crate::{InformationRequest, NtStatus};

impl Request for InformationRequest {
    type WellFormed = ();

    /// # Errors
    ///
    /// None.
    fn judge(&self, _: Lengths) -> Result<(), NtStatus> {
        Ok(())
    }
}
