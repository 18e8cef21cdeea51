/*
 * KMDF 1.31 to 1.33 as a driver sees it, on x64.
 *
 * Names, numbers, layouts and signatures are those that Microsoft documents for the Kernel-Mode Driver
 * Framework (https://learn.microsoft.com/windows-hardware/drivers/ddi/_wdf/). build.rs writes
 * wdf/declarations.h from facts/kmdf.tsv. It asserts every layout while it is compiled.
 *
 * bindgen puts into `wdk_sys::wdf` what comes from files with "wdf" in their path, and nothing else.
 */
#pragma once

#include <stddef.h>

#include <usb.h>
#include <usbdlib.h>

typedef HANDLE WDFOBJECT, *PWDFOBJECT;
typedef PVOID WDFCONTEXT;

/* What a device will be, before WdfDeviceCreate makes it one. The framework's own: opaque. */
typedef struct WDFDEVICE_INIT *PWDFDEVICE_INIT;

#include "wdf/declarations.h"

typedef VOID (*WDFFUNC)(VOID);

/*
 * The client stub's variables, which WdfVersionBind sets before DriverEntry runs
 * (driver-entry/WdfDriverEntry.c). wdk-sys knows the first by a name made of the version.
 */
extern const WDFFUNC *WDF_FUNCTIONS;
extern PWDF_DRIVER_GLOBALS WdfDriverGlobals;
extern ULONG WdfFunctionCount;
