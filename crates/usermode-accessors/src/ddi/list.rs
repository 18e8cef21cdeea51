//! The list of Microsoft's functions, with their names in this crate.

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

/// Makes the list and its table in the documentation. Each public function is named by its path, so a
/// function that is listed and missing does not compile.
macro_rules! list {
    ($($family:ident { $($ddi:literal $rust_name:ident,)+ } reserved { $($reserved:literal,)* })+) => {
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
        /// `MmCopyMemory` is not listed: the crate `mm-copy` implements it.
        ///
        /// | DDI | here |
        /// | --- | --- |
        $(
            $(#[doc = concat!("| `", $ddi, "` | [`", stringify!($rust_name), "`](super::", stringify!($rust_name), ") |")])+
            $(#[doc = concat!("| `", $reserved, "` | reserved for system use, not offered |")])*
        )+
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

list! {
    Copy {
        "CopyFromMode" copy_from_mode,
        "CopyFromModeAligned" copy_from_mode_aligned,
        "CopyFromModeNonTemporal" copy_from_mode_nontemporal,
        "CopyFromUser" copy_from_user,
        "CopyFromUserAligned" copy_from_user_aligned,
        "CopyFromUserNonTemporal" copy_from_user_nontemporal,
        "CopyFromUserToMode" copy_from_user_to_mode,
        "CopyToMode" copy_to_mode,
        "CopyToModeNonTemporal" copy_to_mode_nontemporal,
        "CopyToUser" copy_to_user,
        "CopyToUserFromUser" copy_to_user_from_user,
        "CopyToUserNonTemporal" copy_to_user_nontemporal,
        "MoveToUserFromUser" move_to_user_from_user,
    } reserved {
        "RtlCopyFromUser",
        "RtlCopyFromUserNonTemporal",
        "RtlCopyToUser",
        "RtlCopyToUserFromUser",
        "RtlCopyToUserNonTemporal",
        "RtlMoveToUserFromUser",
        "RtlFastFailIfUserPointer",
    }
    Fill {
        "FillModeMemory" fill_mode_memory,
        "FillUserMemory" fill_user_memory,
        "SetModeMemory" set_mode_memory,
        "SetUserMemory" set_user_memory,
        "ZeroModeMemory" zero_mode_memory,
        "ZeroUserMemory" zero_user_memory,
    } reserved {
        "RtlSetUserMemory",
    }
    Structure {
        "ReadStructFromMode" read_struct_from_mode,
        "ReadStructFromModeAligned" read_struct_from_mode_aligned,
        "ReadStructFromUser" read_struct_from_user,
        "ReadStructFromUserAligned" read_struct_from_user_aligned,
        "WriteStructToMode" write_struct_to_mode,
        "WriteStructToModeAligned" write_struct_to_mode_aligned,
        "WriteStructToUser" write_struct_to_user,
        "WriteStructToUserAligned" write_struct_to_user_aligned,
        "ReadStructFromModeHelper" read_struct_from_mode_helper,
        "ReadStructFromUserHelper" read_struct_from_user_helper,
        "WriteStructToModeHelper" write_struct_to_mode_helper,
        "WriteStructToUserHelper" write_struct_to_user_helper,
    } reserved {
        "RtlTypesCompatible",
    }
    ScalarRead {
        "ReadBooleanFromMode" read_boolean_from_mode,
        "ReadBooleanFromUser" read_boolean_from_user,
        "ReadBooleanFromUserAcquire" read_boolean_from_user_acquire,
        "ReadCharFromMode" read_char_from_mode,
        "ReadCharFromUser" read_char_from_user,
        "ReadCharFromUserAcquire" read_char_from_user_acquire,
        "ReadHandleFromMode" read_handle_from_mode,
        "ReadHandleFromUser" read_handle_from_user,
        "ReadHandleFromUserAcquire" read_handle_from_user_acquire,
        "ReadInt16FromMode" read_int16_from_mode,
        "ReadInt16FromUser" read_int16_from_user,
        "ReadInt16FromUserAcquire" read_int16_from_user_acquire,
        "ReadInt32FromMode" read_int32_from_mode,
        "ReadInt32FromUser" read_int32_from_user,
        "ReadInt32FromUserAcquire" read_int32_from_user_acquire,
        "ReadInt64FromMode" read_int64_from_mode,
        "ReadInt64FromUser" read_int64_from_user,
        "ReadInt64FromUserAcquire" read_int64_from_user_acquire,
        "ReadInt8FromMode" read_int8_from_mode,
        "ReadInt8FromUser" read_int8_from_user,
        "ReadInt8FromUserAcquire" read_int8_from_user_acquire,
        "ReadIntPtrFromMode" read_intptr_from_mode,
        "ReadIntPtrFromUser" read_intptr_from_user,
        "ReadIntPtrFromUserAcquire" read_intptr_from_user_acquire,
        "ReadLongFromMode" read_long_from_mode,
        "ReadLongFromUser" read_long_from_user,
        "ReadLongFromUserAcquire" read_long_from_user_acquire,
        "ReadLong64FromMode" read_long64_from_mode,
        "ReadLong64FromUser" read_long64_from_user,
        "ReadLong64FromUserAcquire" read_long64_from_user_acquire,
        "ReadLonglongFromMode" read_longlong_from_mode,
        "ReadLonglongFromUser" read_longlong_from_user,
        "ReadLonglongFromUserAcquire" read_longlong_from_user_acquire,
        "ReadLongPtrFromMode" read_longptr_from_mode,
        "ReadLongPtrFromUser" read_longptr_from_user,
        "ReadLongPtrFromUserAcquire" read_longptr_from_user_acquire,
        "ReadNtStatusFromMode" read_ntstatus_from_mode,
        "ReadNtStatusFromUser" read_ntstatus_from_user,
        "ReadNtStatusFromUserAcquire" read_ntstatus_from_user_acquire,
        "ReadPointerFromMode" read_pointer_from_mode,
        "ReadPointerFromUser" read_pointer_from_user,
        "ReadPointerFromUserAcquire" read_pointer_from_user_acquire,
        "ReadShortFromMode" read_short_from_mode,
        "ReadShortFromUser" read_short_from_user,
        "ReadShortFromUserAcquire" read_short_from_user_acquire,
        "ReadSizeTFromMode" read_size_t_from_mode,
        "ReadSizeTFromUser" read_size_t_from_user,
        "ReadSizeTFromUserAcquire" read_size_t_from_user_acquire,
        "ReadSSizeTFromMode" read_ssize_t_from_mode,
        "ReadSSizeTFromUser" read_ssize_t_from_user,
        "ReadSSizeTFromUserAcquire" read_ssize_t_from_user_acquire,
        "ReadUCharFromMode" read_uchar_from_mode,
        "ReadUCharFromUser" read_uchar_from_user,
        "ReadUCharFromUserAcquire" read_uchar_from_user_acquire,
        "ReadUInt16FromMode" read_uint16_from_mode,
        "ReadUInt16FromUser" read_uint16_from_user,
        "ReadUInt16FromUserAcquire" read_uint16_from_user_acquire,
        "ReadUInt32FromMode" read_uint32_from_mode,
        "ReadUInt32FromUser" read_uint32_from_user,
        "ReadUInt32FromUserAcquire" read_uint32_from_user_acquire,
        "ReadUInt64FromMode" read_uint64_from_mode,
        "ReadUInt64FromUser" read_uint64_from_user,
        "ReadUInt64FromUserAcquire" read_uint64_from_user_acquire,
        "ReadUInt8FromMode" read_uint8_from_mode,
        "ReadUInt8FromUser" read_uint8_from_user,
        "ReadUInt8FromUserAcquire" read_uint8_from_user_acquire,
        "ReadUIntPtrFromMode" read_uintptr_from_mode,
        "ReadUIntPtrFromUser" read_uintptr_from_user,
        "ReadUIntPtrFromUserAcquire" read_uintptr_from_user_acquire,
        "ReadULongFromMode" read_ulong_from_mode,
        "ReadULongFromUser" read_ulong_from_user,
        "ReadULongFromUserAcquire" read_ulong_from_user_acquire,
        "ReadULong64FromMode" read_ulong64_from_mode,
        "ReadULong64FromUser" read_ulong64_from_user,
        "ReadULong64FromUserAcquire" read_ulong64_from_user_acquire,
        "ReadULonglongFromMode" read_ulonglong_from_mode,
        "ReadULonglongFromUser" read_ulonglong_from_user,
        "ReadULonglongFromUserAcquire" read_ulonglong_from_user_acquire,
        "ReadULongPtrFromMode" read_ulongptr_from_mode,
        "ReadULongPtrFromUser" read_ulongptr_from_user,
        "ReadULongPtrFromUserAcquire" read_ulongptr_from_user_acquire,
        "ReadUShortFromMode" read_ushort_from_mode,
        "ReadUShortFromUser" read_ushort_from_user,
        "ReadUShortFromUserAcquire" read_ushort_from_user_acquire,
        "ReadWCharFromMode" read_wchar_from_mode,
        "ReadWCharFromUser" read_wchar_from_user,
        "ReadWCharFromUserAcquire" read_wchar_from_user_acquire,
        "ReadLargeIntegerFromMode" read_large_integer_from_mode,
        "ReadLargeIntegerFromUser" read_large_integer_from_user,
        "ReadULargeIntegerFromMode" read_ularge_integer_from_mode,
        "ReadULargeIntegerFromUser" read_ularge_integer_from_user,
        "ReadUnicodeStringFromMode" read_unicode_string_from_mode,
        "ReadUnicodeStringFromUser" read_unicode_string_from_user,
    } reserved {
        "RtlReadUCharFromUser",
        "RtlReadUCharFromUserAcquire",
        "RtlReadUShortFromUser",
        "RtlReadUShortFromUserAcquire",
        "RtlReadULongFromUser",
        "RtlReadULongFromUserAcquire",
        "RtlReadULong64FromUser",
        "RtlReadULong64FromUserAcquire",
    }
    ScalarWrite {
        "WriteBooleanToMode" write_boolean_to_mode,
        "WriteBooleanToUser" write_boolean_to_user,
        "WriteBooleanToUserRelease" write_boolean_to_user_release,
        "WriteCharToMode" write_char_to_mode,
        "WriteCharToUser" write_char_to_user,
        "WriteCharToUserRelease" write_char_to_user_release,
        "WriteHandleToMode" write_handle_to_mode,
        "WriteHandleToUser" write_handle_to_user,
        "WriteHandleToUserRelease" write_handle_to_user_release,
        "WriteInt16ToMode" write_int16_to_mode,
        "WriteInt16ToUser" write_int16_to_user,
        "WriteInt16ToUserRelease" write_int16_to_user_release,
        "WriteInt32ToMode" write_int32_to_mode,
        "WriteInt32ToUser" write_int32_to_user,
        "WriteInt32ToUserRelease" write_int32_to_user_release,
        "WriteInt64ToMode" write_int64_to_mode,
        "WriteInt64ToUser" write_int64_to_user,
        "WriteInt64ToUserRelease" write_int64_to_user_release,
        "WriteInt8ToMode" write_int8_to_mode,
        "WriteInt8ToUser" write_int8_to_user,
        "WriteInt8ToUserRelease" write_int8_to_user_release,
        "WriteIntPtrToMode" write_intptr_to_mode,
        "WriteIntPtrToUser" write_intptr_to_user,
        "WriteIntPtrToUserRelease" write_intptr_to_user_release,
        "WriteLongToMode" write_long_to_mode,
        "WriteLongToUser" write_long_to_user,
        "WriteLongToUserRelease" write_long_to_user_release,
        "WriteLong64ToMode" write_long64_to_mode,
        "WriteLong64ToUser" write_long64_to_user,
        "WriteLong64ToUserRelease" write_long64_to_user_release,
        "WriteLonglongToMode" write_longlong_to_mode,
        "WriteLonglongToUser" write_longlong_to_user,
        "WriteLonglongToUserRelease" write_longlong_to_user_release,
        "WriteLongPtrToMode" write_longptr_to_mode,
        "WriteLongPtrToUser" write_longptr_to_user,
        "WriteLongPtrToUserRelease" write_longptr_to_user_release,
        "WriteNtStatusToMode" write_ntstatus_to_mode,
        "WriteNtStatusToUser" write_ntstatus_to_user,
        "WriteNtStatusToUserRelease" write_ntstatus_to_user_release,
        "WritePointerToMode" write_pointer_to_mode,
        "WritePointerToUser" write_pointer_to_user,
        "WritePointerToUserRelease" write_pointer_to_user_release,
        "WriteShortToMode" write_short_to_mode,
        "WriteShortToUser" write_short_to_user,
        "WriteShortToUserRelease" write_short_to_user_release,
        "WriteSizeTToMode" write_size_t_to_mode,
        "WriteSizeTToUser" write_size_t_to_user,
        "WriteSizeTToUserRelease" write_size_t_to_user_release,
        "WriteSSizeTToMode" write_ssize_t_to_mode,
        "WriteSSizeTToUser" write_ssize_t_to_user,
        "WriteSSizeTToUserRelease" write_ssize_t_to_user_release,
        "WriteUCharToMode" write_uchar_to_mode,
        "WriteUCharToUser" write_uchar_to_user,
        "WriteUCharToUserRelease" write_uchar_to_user_release,
        "WriteUInt16ToMode" write_uint16_to_mode,
        "WriteUInt16ToUser" write_uint16_to_user,
        "WriteUInt16ToUserRelease" write_uint16_to_user_release,
        "WriteUInt32ToMode" write_uint32_to_mode,
        "WriteUInt32ToUser" write_uint32_to_user,
        "WriteUInt32ToUserRelease" write_uint32_to_user_release,
        "WriteUInt64ToMode" write_uint64_to_mode,
        "WriteUInt64ToUser" write_uint64_to_user,
        "WriteUInt64ToUserRelease" write_uint64_to_user_release,
        "WriteUInt8ToMode" write_uint8_to_mode,
        "WriteUInt8ToUser" write_uint8_to_user,
        "WriteUInt8ToUserRelease" write_uint8_to_user_release,
        "WriteUIntPtrToMode" write_uintptr_to_mode,
        "WriteUIntPtrToUser" write_uintptr_to_user,
        "WriteUIntPtrToUserRelease" write_uintptr_to_user_release,
        "WriteULongToMode" write_ulong_to_mode,
        "WriteULongToUser" write_ulong_to_user,
        "WriteULongToUserRelease" write_ulong_to_user_release,
        "WriteULong64ToMode" write_ulong64_to_mode,
        "WriteULong64ToUser" write_ulong64_to_user,
        "WriteULong64ToUserRelease" write_ulong64_to_user_release,
        "WriteULonglongToMode" write_ulonglong_to_mode,
        "WriteULonglongToUser" write_ulonglong_to_user,
        "WriteULonglongToUserRelease" write_ulonglong_to_user_release,
        "WriteULongPtrToMode" write_ulongptr_to_mode,
        "WriteULongPtrToUser" write_ulongptr_to_user,
        "WriteULongPtrToUserRelease" write_ulongptr_to_user_release,
        "WriteUShortToMode" write_ushort_to_mode,
        "WriteUShortToUser" write_ushort_to_user,
        "WriteUShortToUserRelease" write_ushort_to_user_release,
        "WriteWCharToMode" write_wchar_to_mode,
        "WriteWCharToUser" write_wchar_to_user,
        "WriteWCharToUserRelease" write_wchar_to_user_release,
        "WriteLargeIntegerToMode" write_large_integer_to_mode,
        "WriteLargeIntegerToUser" write_large_integer_to_user,
        "WriteULargeIntegerToMode" write_ularge_integer_to_mode,
        "WriteULargeIntegerToUser" write_ularge_integer_to_user,
        "WriteUnicodeStringToMode" write_unicode_string_to_mode,
        "WriteUnicodeStringToUser" write_unicode_string_to_user,
    } reserved {
        "RtlWriteUCharToUser",
        "RtlWriteUCharToUserRelease",
        "RtlWriteUShortToUser",
        "RtlWriteUShortToUserRelease",
        "RtlWriteULongToUser",
        "RtlWriteULongToUserRelease",
        "RtlWriteULong64ToUser",
        "RtlWriteULong64ToUserRelease",
    }
    StringLength {
        "StringLengthFromMode" string_length_from_mode,
        "StringLengthFromUser" string_length_from_user,
        "WideStringLengthFromMode" wide_string_length_from_mode,
        "WideStringLengthFromUser" wide_string_length_from_user,
    } reserved {
        "RtlStringLengthFromUser",
        "RtlWideStringLengthFromUser",
    }
    Interlocked {
        "InterlockedAndToMode" interlocked_and_to_mode,
        "InterlockedAndToUser" interlocked_and_to_user,
        "InterlockedAnd64ToMode" interlocked_and64_to_mode,
        "InterlockedAnd64ToUser" interlocked_and64_to_user,
        "InterlockedCompareExchangeToMode" interlocked_compare_exchange_to_mode,
        "InterlockedCompareExchangeToUser" interlocked_compare_exchange_to_user,
        "InterlockedCompareExchange64ToMode" interlocked_compare_exchange64_to_mode,
        "InterlockedCompareExchange64ToUser" interlocked_compare_exchange64_to_user,
        "InterlockedOrToMode" interlocked_or_to_mode,
        "InterlockedOrToUser" interlocked_or_to_user,
        "InterlockedOr64ToMode" interlocked_or64_to_mode,
        "InterlockedOr64ToUser" interlocked_or64_to_user,
    } reserved {
        "RtlInterlockedAnd32ToUser",
        "RtlInterlockedAnd64ToUser",
        "RtlInterlockedCompareExchange32ToUser",
        "RtlInterlockedCompareExchange64ToUser",
        "RtlInterlockedOr32ToUser",
        "RtlInterlockedOr64ToUser",
    }
    Volatile {
        "RtlCopyVolatileMemory" copy_volatile_memory,
        "RtlMoveVolatileMemory" move_volatile_memory,
        "RtlFillVolatileMemory" fill_volatile_memory,
        "RtlSetVolatileMemory" set_volatile_memory,
        "RtlZeroVolatileMemory" zero_volatile_memory,
        "RtlSecureZeroMemory2" secure_zero_memory2,
    } reserved {}
    Device {
        "RtlCopyDeviceMemory" copy_device_memory,
        "RtlFillDeviceMemory" fill_device_memory,
        "RtlZeroDeviceMemory" zero_device_memory,
        "RtlCompareDeviceMemory" compare_device_memory,
        "RtlEqualDeviceMemory" equal_device_memory,
    } reserved {}
    ExceptionFilter {
        "UmaExceptionFilter" uma_exception_filter,
    } reserved {}
}
