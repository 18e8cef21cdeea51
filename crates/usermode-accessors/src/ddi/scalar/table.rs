//! Every scalar type: the word in Microsoft's function names, the C type, the Rust type, and the names
//! of the accessors. These are reads, then writes; each with a mode, for user memory, and for user
//! memory with acquire or release.
//!
//! A C type becomes the Rust integer of its width and sign. `BOOLEAN` is a byte, because a caller may
//! write any. `NTSTATUS` is an `i32`. A type as wide as a pointer is `usize` or `isize`. `HANDLE` and
//! `PVOID` are `*mut c_void`, as in `wdk-sys`.

/// Calls the macro `$callback` with the whole table.
macro_rules! scalar_table {
    ($callback:ident) => {
        $callback! {
            "Boolean" BOOLEAN (u8):
                read_boolean_from_mode read_boolean_from_user read_boolean_from_user_acquire
                write_boolean_to_mode write_boolean_to_user write_boolean_to_user_release;
            "Char" CHAR (i8):
                read_char_from_mode read_char_from_user read_char_from_user_acquire
                write_char_to_mode write_char_to_user write_char_to_user_release;
            "Handle" HANDLE (*mut c_void):
                read_handle_from_mode read_handle_from_user read_handle_from_user_acquire
                write_handle_to_mode write_handle_to_user write_handle_to_user_release;
            "Int16" INT16 (i16):
                read_int16_from_mode read_int16_from_user read_int16_from_user_acquire
                write_int16_to_mode write_int16_to_user write_int16_to_user_release;
            "Int32" INT32 (i32):
                read_int32_from_mode read_int32_from_user read_int32_from_user_acquire
                write_int32_to_mode write_int32_to_user write_int32_to_user_release;
            "Int64" INT64 (i64):
                read_int64_from_mode read_int64_from_user read_int64_from_user_acquire
                write_int64_to_mode write_int64_to_user write_int64_to_user_release;
            "Int8" INT8 (i8):
                read_int8_from_mode read_int8_from_user read_int8_from_user_acquire
                write_int8_to_mode write_int8_to_user write_int8_to_user_release;
            "IntPtr" INT_PTR (isize):
                read_intptr_from_mode read_intptr_from_user read_intptr_from_user_acquire
                write_intptr_to_mode write_intptr_to_user write_intptr_to_user_release;
            "Long" LONG (i32):
                read_long_from_mode read_long_from_user read_long_from_user_acquire
                write_long_to_mode write_long_to_user write_long_to_user_release;
            "Long64" LONG64 (i64):
                read_long64_from_mode read_long64_from_user read_long64_from_user_acquire
                write_long64_to_mode write_long64_to_user write_long64_to_user_release;
            "Longlong" LONGLONG (i64):
                read_longlong_from_mode read_longlong_from_user read_longlong_from_user_acquire
                write_longlong_to_mode write_longlong_to_user write_longlong_to_user_release;
            "LongPtr" LONG_PTR (isize):
                read_longptr_from_mode read_longptr_from_user read_longptr_from_user_acquire
                write_longptr_to_mode write_longptr_to_user write_longptr_to_user_release;
            "NtStatus" NTSTATUS (i32):
                read_ntstatus_from_mode read_ntstatus_from_user read_ntstatus_from_user_acquire
                write_ntstatus_to_mode write_ntstatus_to_user write_ntstatus_to_user_release;
            "Pointer" PVOID (*mut c_void):
                read_pointer_from_mode read_pointer_from_user read_pointer_from_user_acquire
                write_pointer_to_mode write_pointer_to_user write_pointer_to_user_release;
            "Short" SHORT (i16):
                read_short_from_mode read_short_from_user read_short_from_user_acquire
                write_short_to_mode write_short_to_user write_short_to_user_release;
            "SizeT" SIZE_T (usize):
                read_size_t_from_mode read_size_t_from_user read_size_t_from_user_acquire
                write_size_t_to_mode write_size_t_to_user write_size_t_to_user_release;
            "SSizeT" SSIZE_T (isize):
                read_ssize_t_from_mode read_ssize_t_from_user read_ssize_t_from_user_acquire
                write_ssize_t_to_mode write_ssize_t_to_user write_ssize_t_to_user_release;
            "UChar" UCHAR (u8):
                read_uchar_from_mode read_uchar_from_user read_uchar_from_user_acquire
                write_uchar_to_mode write_uchar_to_user write_uchar_to_user_release;
            "UInt16" UINT16 (u16):
                read_uint16_from_mode read_uint16_from_user read_uint16_from_user_acquire
                write_uint16_to_mode write_uint16_to_user write_uint16_to_user_release;
            "UInt32" UINT32 (u32):
                read_uint32_from_mode read_uint32_from_user read_uint32_from_user_acquire
                write_uint32_to_mode write_uint32_to_user write_uint32_to_user_release;
            "UInt64" UINT64 (u64):
                read_uint64_from_mode read_uint64_from_user read_uint64_from_user_acquire
                write_uint64_to_mode write_uint64_to_user write_uint64_to_user_release;
            "UInt8" UINT8 (u8):
                read_uint8_from_mode read_uint8_from_user read_uint8_from_user_acquire
                write_uint8_to_mode write_uint8_to_user write_uint8_to_user_release;
            "UIntPtr" UINT_PTR (usize):
                read_uintptr_from_mode read_uintptr_from_user read_uintptr_from_user_acquire
                write_uintptr_to_mode write_uintptr_to_user write_uintptr_to_user_release;
            "ULong" ULONG (u32):
                read_ulong_from_mode read_ulong_from_user read_ulong_from_user_acquire
                write_ulong_to_mode write_ulong_to_user write_ulong_to_user_release;
            "ULong64" ULONG64 (u64):
                read_ulong64_from_mode read_ulong64_from_user read_ulong64_from_user_acquire
                write_ulong64_to_mode write_ulong64_to_user write_ulong64_to_user_release;
            "ULonglong" ULONGLONG (u64):
                read_ulonglong_from_mode read_ulonglong_from_user read_ulonglong_from_user_acquire
                write_ulonglong_to_mode write_ulonglong_to_user write_ulonglong_to_user_release;
            "ULongPtr" ULONG_PTR (usize):
                read_ulongptr_from_mode read_ulongptr_from_user read_ulongptr_from_user_acquire
                write_ulongptr_to_mode write_ulongptr_to_user write_ulongptr_to_user_release;
            "UShort" USHORT (u16):
                read_ushort_from_mode read_ushort_from_user read_ushort_from_user_acquire
                write_ushort_to_mode write_ushort_to_user write_ushort_to_user_release;
            "WChar" WCHAR (u16):
                read_wchar_from_mode read_wchar_from_user read_wchar_from_user_acquire
                write_wchar_to_mode write_wchar_to_user write_wchar_to_user_release;
        }
    };
}

pub(super) use scalar_table;
