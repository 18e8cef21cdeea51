//! Every accessor of one value, by type: reads, then writes; each with a mode, for user memory, and
//! for user memory with acquire or release. The table is independent of the library's on purpose.

macro_rules! scalars {
    ($callback:ident) => {
        $callback! {
            (u8):
                read_boolean_from_mode read_boolean_from_user read_boolean_from_user_acquire
                write_boolean_to_mode write_boolean_to_user write_boolean_to_user_release;
            (i8):
                read_char_from_mode read_char_from_user read_char_from_user_acquire
                write_char_to_mode write_char_to_user write_char_to_user_release;
            (*mut c_void):
                read_handle_from_mode read_handle_from_user read_handle_from_user_acquire
                write_handle_to_mode write_handle_to_user write_handle_to_user_release;
            (i16):
                read_int16_from_mode read_int16_from_user read_int16_from_user_acquire
                write_int16_to_mode write_int16_to_user write_int16_to_user_release;
            (i32):
                read_int32_from_mode read_int32_from_user read_int32_from_user_acquire
                write_int32_to_mode write_int32_to_user write_int32_to_user_release;
            (i64):
                read_int64_from_mode read_int64_from_user read_int64_from_user_acquire
                write_int64_to_mode write_int64_to_user write_int64_to_user_release;
            (i8):
                read_int8_from_mode read_int8_from_user read_int8_from_user_acquire
                write_int8_to_mode write_int8_to_user write_int8_to_user_release;
            (isize):
                read_intptr_from_mode read_intptr_from_user read_intptr_from_user_acquire
                write_intptr_to_mode write_intptr_to_user write_intptr_to_user_release;
            (i32):
                read_long_from_mode read_long_from_user read_long_from_user_acquire
                write_long_to_mode write_long_to_user write_long_to_user_release;
            (i64):
                read_long64_from_mode read_long64_from_user read_long64_from_user_acquire
                write_long64_to_mode write_long64_to_user write_long64_to_user_release;
            (i64):
                read_longlong_from_mode read_longlong_from_user read_longlong_from_user_acquire
                write_longlong_to_mode write_longlong_to_user write_longlong_to_user_release;
            (isize):
                read_longptr_from_mode read_longptr_from_user read_longptr_from_user_acquire
                write_longptr_to_mode write_longptr_to_user write_longptr_to_user_release;
            (i32):
                read_ntstatus_from_mode read_ntstatus_from_user read_ntstatus_from_user_acquire
                write_ntstatus_to_mode write_ntstatus_to_user write_ntstatus_to_user_release;
            (*mut c_void):
                read_pointer_from_mode read_pointer_from_user read_pointer_from_user_acquire
                write_pointer_to_mode write_pointer_to_user write_pointer_to_user_release;
            (i16):
                read_short_from_mode read_short_from_user read_short_from_user_acquire
                write_short_to_mode write_short_to_user write_short_to_user_release;
            (usize):
                read_size_t_from_mode read_size_t_from_user read_size_t_from_user_acquire
                write_size_t_to_mode write_size_t_to_user write_size_t_to_user_release;
            (isize):
                read_ssize_t_from_mode read_ssize_t_from_user read_ssize_t_from_user_acquire
                write_ssize_t_to_mode write_ssize_t_to_user write_ssize_t_to_user_release;
            (u8):
                read_uchar_from_mode read_uchar_from_user read_uchar_from_user_acquire
                write_uchar_to_mode write_uchar_to_user write_uchar_to_user_release;
            (u16):
                read_uint16_from_mode read_uint16_from_user read_uint16_from_user_acquire
                write_uint16_to_mode write_uint16_to_user write_uint16_to_user_release;
            (u32):
                read_uint32_from_mode read_uint32_from_user read_uint32_from_user_acquire
                write_uint32_to_mode write_uint32_to_user write_uint32_to_user_release;
            (u64):
                read_uint64_from_mode read_uint64_from_user read_uint64_from_user_acquire
                write_uint64_to_mode write_uint64_to_user write_uint64_to_user_release;
            (u8):
                read_uint8_from_mode read_uint8_from_user read_uint8_from_user_acquire
                write_uint8_to_mode write_uint8_to_user write_uint8_to_user_release;
            (usize):
                read_uintptr_from_mode read_uintptr_from_user read_uintptr_from_user_acquire
                write_uintptr_to_mode write_uintptr_to_user write_uintptr_to_user_release;
            (u32):
                read_ulong_from_mode read_ulong_from_user read_ulong_from_user_acquire
                write_ulong_to_mode write_ulong_to_user write_ulong_to_user_release;
            (u64):
                read_ulong64_from_mode read_ulong64_from_user read_ulong64_from_user_acquire
                write_ulong64_to_mode write_ulong64_to_user write_ulong64_to_user_release;
            (u64):
                read_ulonglong_from_mode read_ulonglong_from_user read_ulonglong_from_user_acquire
                write_ulonglong_to_mode write_ulonglong_to_user write_ulonglong_to_user_release;
            (usize):
                read_ulongptr_from_mode read_ulongptr_from_user read_ulongptr_from_user_acquire
                write_ulongptr_to_mode write_ulongptr_to_user write_ulongptr_to_user_release;
            (u16):
                read_ushort_from_mode read_ushort_from_user read_ushort_from_user_acquire
                write_ushort_to_mode write_ushort_to_user write_ushort_to_user_release;
            (u16):
                read_wchar_from_mode read_wchar_from_user read_wchar_from_user_acquire
                write_wchar_to_mode write_wchar_to_user write_wchar_to_user_release;
        }
    };
}

pub(super) use scalars;
