//! The only calls into the kernel, as safe functions of a few lines.

pub(crate) mod device;
pub(crate) mod irp;
pub(crate) mod irql;
pub(crate) mod lock;
pub(crate) mod mdl;
pub(crate) mod pool;
pub(crate) mod routine;
pub(crate) mod text;
