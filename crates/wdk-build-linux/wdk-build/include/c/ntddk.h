/* For a driver in C, which includes <ntddk.h>: mingw-w64's header and what ../ntoskrnl.h adds to it. */
#ifndef C_NTDDK_H
#define C_NTDDK_H
#include "../ntoskrnl.h"
#else
/* From ../ntoskrnl.h and its headers. */
#include_next <ntddk.h>
#endif
