/* For a driver in C, which includes <ntddk.h>: mingw-w64's header and what ../ntoskrnl.h adds to it. */
#ifndef NTOSKRNL_H
#include "../ntoskrnl.h"
#else
/* Included by ../ntoskrnl.h. */
#include_next <ntddk.h>
#endif

#ifndef POOL_FLAG_PAGED
/* "POOL_FLAGS" in the documentation of wdm.h. wdk-sys has them for a driver in Rust. */
#define POOL_FLAG_USE_QUOTA 0x1
#define POOL_FLAG_UNINITIALIZED 0x2
#define POOL_FLAG_CACHE_ALIGNED 0x8
#define POOL_FLAG_RAISE_ON_FAILURE 0x20
#define POOL_FLAG_NON_PAGED 0x40
#define POOL_FLAG_NON_PAGED_EXECUTE 0x80
#define POOL_FLAG_PAGED 0x100
#endif
