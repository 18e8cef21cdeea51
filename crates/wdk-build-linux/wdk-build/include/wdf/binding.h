/*
 * How a driver's client stub binds to the framework: what WdfVersionBind is given, and what it
 * gives back. For the stub alone; no driver includes this.
 */
#pragma once

typedef struct _WDF_BIND_INFO {
    ULONG Size;
    PWSTR Component;
    struct {
        ULONG Major;
        ULONG Minor;
        ULONG Build;
    } Version;
    ULONG FuncCount;
    const WDFFUNC **FuncTable;
    PVOID Module;
} WDF_BIND_INFO, *PWDF_BIND_INFO;

/* What clients since 1.25 pass; V1.Size holds the size of the whole. */
typedef struct _WDF_BIND_INFO2 {
    WDF_BIND_INFO V1;
    PULONG MinimumVersionRequired;
    PBOOLEAN ClientVersionHigherThanFramework;
    PULONG FuncCount;
    PULONG StructCount;
    PVOID StructTable;
} WDF_BIND_INFO2, *PWDF_BIND_INFO2;

_Static_assert(sizeof(WDF_BIND_INFO) == 48, "WDF_BIND_INFO");
_Static_assert(sizeof(WDF_BIND_INFO2) == 88, "WDF_BIND_INFO2");

NTSTATUS WdfVersionBind(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PWDF_BIND_INFO BindInfo,
                        PWDF_DRIVER_GLOBALS *DriverGlobals);
NTSTATUS WdfVersionUnbind(PUNICODE_STRING RegistryPath, PWDF_BIND_INFO BindInfo, PWDF_DRIVER_GLOBALS DriverGlobals);
