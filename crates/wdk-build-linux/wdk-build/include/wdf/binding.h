/*
 * How a driver's client stub binds to the framework: what WdfVersionBind is given, and what it
 * gives back. For the stub alone; no driver includes this.
 */
#ifndef RINGCOPY_WDF_BINDING_H
#define RINGCOPY_WDF_BINDING_H

typedef struct _WDF_VERSION {
    ULONG Major;
    ULONG Minor;
    ULONG Build;
} WDF_VERSION;

typedef struct _WDF_BIND_INFO {
    ULONG Size;
    PWSTR Component;
    WDF_VERSION Version;
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

_Static_assert(sizeof(struct _WDF_BIND_INFO) == 48, "_WDF_BIND_INFO");
_Static_assert(offsetof(struct _WDF_BIND_INFO, Size) == 0, "_WDF_BIND_INFO.Size");
_Static_assert(offsetof(struct _WDF_BIND_INFO, Component) == 8, "_WDF_BIND_INFO.Component");
_Static_assert(offsetof(struct _WDF_BIND_INFO, Version.Major) == 16, "_WDF_BIND_INFO.Version.Major");
_Static_assert(offsetof(struct _WDF_BIND_INFO, Version.Minor) == 20, "_WDF_BIND_INFO.Version.Minor");
_Static_assert(offsetof(struct _WDF_BIND_INFO, Version.Build) == 24, "_WDF_BIND_INFO.Version.Build");
_Static_assert(offsetof(struct _WDF_BIND_INFO, FuncCount) == 28, "_WDF_BIND_INFO.FuncCount");
_Static_assert(offsetof(struct _WDF_BIND_INFO, FuncTable) == 32, "_WDF_BIND_INFO.FuncTable");
_Static_assert(offsetof(struct _WDF_BIND_INFO, Module) == 40, "_WDF_BIND_INFO.Module");

_Static_assert(sizeof(struct _WDF_BIND_INFO2) == 88, "_WDF_BIND_INFO2");
_Static_assert(offsetof(struct _WDF_BIND_INFO2, V1) == 0, "_WDF_BIND_INFO2.V1");
_Static_assert(offsetof(struct _WDF_BIND_INFO2, MinimumVersionRequired) == 48, "_WDF_BIND_INFO2.MinimumVersionRequired");
_Static_assert(offsetof(struct _WDF_BIND_INFO2, ClientVersionHigherThanFramework) == 56, "_WDF_BIND_INFO2.ClientVersionHigherThanFramework");
_Static_assert(offsetof(struct _WDF_BIND_INFO2, FuncCount) == 64, "_WDF_BIND_INFO2.FuncCount");
_Static_assert(offsetof(struct _WDF_BIND_INFO2, StructCount) == 72, "_WDF_BIND_INFO2.StructCount");
_Static_assert(offsetof(struct _WDF_BIND_INFO2, StructTable) == 80, "_WDF_BIND_INFO2.StructTable");

NTSTATUS WdfVersionBind(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PWDF_BIND_INFO BindInfo,
                        PWDF_DRIVER_GLOBALS *DriverGlobals);
NTSTATUS WdfVersionUnbind(PUNICODE_STRING RegistryPath, PWDF_BIND_INFO BindInfo, PWDF_DRIVER_GLOBALS DriverGlobals);

#endif
