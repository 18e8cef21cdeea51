/*
 * KMDF 1.31 as a driver sees it, on x64. What is declared here is the same up to 1.33.
 *
 * Names, numbers and layouts are those that Microsoft documents for the Kernel-Mode Driver
 * Framework (https://learn.microsoft.com/windows-hardware/drivers/ddi/_wdf/); the text is this
 * project's. wdf/layout_asserts.h holds every declared layout to facts/layouts.tsv while this
 * header is compiled, and the tests of the wdk-build package hold those assertions, and the order
 * of the function table, to the facts.
 *
 * bindgen puts into `wdk_sys::wdf` what comes from files with "wdf" in their path, and nothing else.
 */
#ifndef RINGCOPY_WDF_H
#define RINGCOPY_WDF_H

#include <stddef.h>

#include "wdf/handles.h"
#include "wdf/enums.h"
#include "wdf/callbacks.h"
#include "wdf/structs.h"
#include "wdf/function_table.h"
#include "wdf/functions.h"
#include "wdf/layout_asserts.h"

#endif
