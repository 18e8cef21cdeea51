/*
 * WdfDriverEntry.lib: the image's entry point. It binds the driver to the framework's function
 * table, runs DriverEntry, and unbinds if that fails or when the driver is unloaded. The framework
 * is found by WDFLDR.SYS, by component and version: "Building and Loading a WDF Driver" and
 * "Framework Library Versioning" in the WDF documentation.
 */
#include "ntoskrnl.h"
#include "wdf.h"
#include "wdf/binding.h"

/* RegistryPath names a key under \Registry\Machine\System; a service's name has at most 256 characters. */
#define REGISTRY_PATH_CHARACTERS 512

/* More entries than the framework has structures. The driver does not read them. */
#define STRUCTURE_TABLE_ENTRIES 256

/*
 * The image's load configuration, which the linker finds by its name, as far as GuardFlags: "The Load
 * Configuration Structure (Image Only)" in the documentation of the PE format. It tells the loader that
 * the image has no stack cookie to be set: neither Rust's code nor this file has one.
 *
 * It does not have what the linker would add for /GUARD:CF. Microsoft's wdk-build does not pass that, and
 * Rust's library is compiled without the checks.
 */
#define IMAGE_GUARD_SECURITY_COOKIE_UNUSED 0x00000800

const struct {
    ULONG Size;
    UCHAR Zero[140];
    ULONG GuardFlags;
} __attribute__((aligned(8))) _load_config_used = {
    .Size = 148,
    .GuardFlags = IMAGE_GUARD_SECURITY_COOKIE_UNUSED,
};

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);

const WDFFUNC *WDF_FUNCTIONS;
PWDF_DRIVER_GLOBALS WdfDriverGlobals;

/* The count of this version, until WdfVersionBind writes that of the framework. */
ULONG WdfFunctionCount = WdfFunctionTableNumEntries;

static ULONG MinimumVersionRequired = KMDF_MINIMUM_VERSION_REQUIRED;
static BOOLEAN ClientVersionHigherThanFramework;
static ULONG StructureCount;
static size_t StructureTable[STRUCTURE_TABLE_ENTRIES];

static WDF_BIND_INFO2 BindInfo = {
    .V1 = {
        .Size = sizeof(WDF_BIND_INFO2),
        .Component = (PWSTR)L"KmdfLibrary",
        .Version = {KMDF_VERSION_MAJOR, KMDF_VERSION_MINOR, 0},
        .FuncCount = WdfFunctionTableNumEntries,
        .FuncTable = &WDF_FUNCTIONS,
    },
    .MinimumVersionRequired = &MinimumVersionRequired,
    .ClientVersionHigherThanFramework = &ClientVersionHigherThanFramework,
    .FuncCount = &WdfFunctionCount,
    .StructCount = &StructureCount,
    .StructTable = StructureTable,
};

/* A copy for the unbinding: the caller's registry path is freed after DriverEntry. */
static WCHAR RegistryPathBuffer[REGISTRY_PATH_CHARACTERS];
static UNICODE_STRING BoundRegistryPath = {.MaximumLength = sizeof(RegistryPathBuffer), .Buffer = RegistryPathBuffer};

static PDRIVER_UNLOAD FrameworkUnload;

static VOID Unbind(VOID)
{
    WdfVersionUnbind(&BoundRegistryPath, &BindInfo.V1, WdfDriverGlobals);
}

static VOID UnloadThenUnbind(PDRIVER_OBJECT DriverObject)
{
    if (FrameworkUnload != NULL) {
        FrameworkUnload(DriverObject);
    }
    Unbind();
}

NTSTATUS FxDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    RtlCopyUnicodeString(&BoundRegistryPath, RegistryPath);

    Status = WdfVersionBind(DriverObject, &BoundRegistryPath, &BindInfo.V1, &WdfDriverGlobals);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }

    Status = DriverEntry(DriverObject, RegistryPath);
    if (!NT_SUCCESS(Status)) {
        Unbind();
        return Status;
    }

    /*
     * WdfDriverCreate sets this for a driver that has an unload routine. Then the unbinding has to
     * follow the framework's unload handler. A driver without an unload routine never unloads.
     */
    if (WdfDriverGlobals->DisplaceDriverUnload) {
        FrameworkUnload = DriverObject->DriverUnload;
        DriverObject->DriverUnload = UnloadThenUnbind;
    }
    return Status;
}
