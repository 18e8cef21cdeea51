//! NT's own numbers: status codes, and where fields lie in the structures that drivers share.

pub(crate) mod layout;
pub(crate) mod status;
pub(crate) mod strings;
