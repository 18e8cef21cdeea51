/* For a driver in C, which includes <ntddk.h>: mingw-w64's header and what ../ntoskrnl.h adds to it. */
#ifndef NTOSKRNL_H
#include "../ntoskrnl.h"
#else
/* Included by ../ntoskrnl.h. */
#include_next <ntddk.h>
#endif
