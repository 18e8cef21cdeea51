/*
 * KMDF 1.31 as a driver sees it, on x64. What is declared here is the same up to 1.33.
 *
 * Names, numbers and layouts are those that Microsoft documents for the Kernel-Mode Driver
 * Framework (https://learn.microsoft.com/windows-hardware/drivers/ddi/_wdf/); the text is this
 * project's. build.rs writes wdf/function_table.h and wdf/structs_layouts.h from the tables in
 * facts/; the latter asserts every declared layout while this header is compiled.
 *
 * bindgen puts into `wdk_sys::wdf` what comes from files with "wdf" in their path, and nothing else.
 */
#pragma once

#include <stddef.h>

#include "wdf/handles.h"
#include "wdf/enums.h"
#include "wdf/callbacks.h"
#include "wdf/structs.h"
#include "wdf/functions.h"
#include "wdf/structs_layouts.h"
