//! NT's own numbers: where fields lie in the structures that drivers share.

pub(crate) mod layout;
pub(crate) mod strings;
