//! [`InformationRequest`]: a header alone.

use super::{Lengths, Validate};
use crate::{InformationRequest, NtStatus};

impl Validate for InformationRequest {
    type Valid = ();

    /// # Errors
    ///
    /// None.
    fn validate(&self, _: Lengths) -> Result<(), NtStatus> {
        Ok(())
    }
}
