//! The list of Microsoft's functions, made from the table.

/// The purpose of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Bulk copies with user memory.
    Copy,
    /// Filling user memory.
    Fill,
    /// Copies of a structure, with the size of its type.
    Structure,
    /// Reads of one value.
    ScalarRead,
    /// Writes of one value.
    ScalarWrite,
    /// Lengths of strings that end with a zero.
    StringLength,
    /// Atomic operations on user memory.
    Interlocked,
    /// Accesses to kernel memory that may change meanwhile.
    Volatile,
    /// Accesses to device memory.
    Device,
    /// The result of an exception filter.
    ExceptionFilter,
}

/// Whether Microsoft offers a function to drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Availability {
    /// Documented for drivers, and offered here.
    Public,
    /// "Reserved for system use", and not offered here.
    Reserved,
}

/// One of Microsoft's functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Row {
    /// Microsoft's name.
    pub ddi: &'static str,
    /// The name in [`ddi`](super), if it is offered.
    pub rust_name: Option<&'static str>,
    /// The purpose.
    pub family: Family,
    /// Whether Microsoft offers it to drivers.
    pub availability: Availability,
}

/// Makes the list. Each public function is named by its path, so a function that is listed and missing
/// does not compile.
macro_rules! list {
    ($($family:ident $title:literal { $($ddi:literal $rust_name:ident,)+ } reserved { $($reserved:literal,)* })+) => {
        /// The public functions. A search of the documentation for Microsoft's name finds each.
        pub(super) mod offered {
            $($(
                #[doc(alias = $ddi)]
                pub use super::super::functions::$rust_name;
            )+)+
        }

        /// The functions of `usermode_accessors.h`, and those of `wdm.h` for volatile and device
        /// memory.
        ///
        /// They are the functions with a page in Microsoft's documentation of August 2025. A test
        /// compares this list with the names of those pages, and this module with the list.
        ///
        /// The folder of the pages has one file more than this list. Its name could not be found. It
        /// may be a page that was renamed or removed.
        ///
        /// [The module's page](crate::ddi) shows them by family.
        ///
        /// `MmCopyMemory` is not listed: the crate `mm-copy` implements it.
        pub const LIST: &[Row] = &[$(
            $(Row {
                ddi: $ddi,
                rust_name: Some(stringify!($rust_name)),
                family: Family::$family,
                availability: Availability::Public,
            },)+
            $(Row {
                ddi: $reserved,
                rust_name: None,
                family: Family::$family,
                availability: Availability::Reserved,
            },)*
        )+];
    };
}

ddi_table!(list);
