/*
 * For a driver in C, which includes <wdf.h>: the declarations, the functions of the table as functions, and
 * the functions and macros that initialise structures. Each follows its page in "Windows Driver Framework
 * (WDF) DDI reference" (https://learn.microsoft.com/windows-hardware/drivers/ddi/_wdf/).
 */
#pragma once

#include_next <wdf.h>

#include "wdf/functions.h"

#define WDF_NO_OBJECT_ATTRIBUTES NULL
#define WDF_NO_EVENT_CALLBACK NULL
#define WDF_NO_HANDLE NULL
#define WDF_NO_CONTEXT NULL
#define WDF_NO_SEND_OPTIONS NULL

/* Times in units of 100 ns; a negative one starts now. */
#define WDF_ABS_TIMEOUT_IN_MS(Time) ((LONGLONG)(Time) * 10000)
#define WDF_REL_TIMEOUT_IN_MS(Time) (-WDF_ABS_TIMEOUT_IN_MS(Time))
#define WDF_REL_TIMEOUT_IN_SEC(Time) WDF_REL_TIMEOUT_IN_MS((LONGLONG)(Time) * 1000)

/* A structure of zeros, with its size in the first field. */
#define WDF_INITIALIZE(Structure)                   \
    do {                                            \
        RtlZeroMemory(Structure, sizeof *Structure); \
        Structure->Size = sizeof *Structure;        \
    } while (0)

/* Names of the callbacks for the contexts of some kinds of objects, which are those of any object's. */
typedef EVT_WDF_OBJECT_CONTEXT_CLEANUP EVT_WDF_DEVICE_CONTEXT_CLEANUP;
typedef EVT_WDF_OBJECT_CONTEXT_DESTROY EVT_WDF_DEVICE_CONTEXT_DESTROY;
typedef EVT_WDF_OBJECT_CONTEXT_CLEANUP EVT_WDF_IO_QUEUE_CONTEXT_CLEANUP_CALLBACK;
typedef EVT_WDF_OBJECT_CONTEXT_DESTROY EVT_WDF_IO_QUEUE_CONTEXT_DESTROY_CALLBACK;

static inline WDFDRIVER WdfGetDriver(VOID)
{
    return WdfDriverGlobals->Driver;
}

#define WdfObjectReference(Handle) WdfObjectReferenceActual(Handle, NULL, __LINE__, __FILE__)
#define WdfObjectDereference(Handle) WdfObjectDereferenceActual(Handle, NULL, __LINE__, __FILE__)

/*
 * The type of an object's context: one for all files of a driver, so that the linker keeps one of several
 * definitions. Name returns the context of an object.
 */
#define WDF_GET_CONTEXT_TYPE_INFO(Type) (&Wdf_##Type##_TypeInfo)

#define WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(Type, Name)                                                \
    extern const WDF_OBJECT_CONTEXT_TYPE_INFO Wdf_##Type##_TypeInfo;                                  \
    __declspec(selectany) const WDF_OBJECT_CONTEXT_TYPE_INFO Wdf_##Type##_TypeInfo = {                \
        sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO), #Type, sizeof(Type), WDF_GET_CONTEXT_TYPE_INFO(Type), NULL}; \
    __attribute__((unused)) static inline Type *Name(WDFOBJECT Handle)                                \
    {                                                                                                 \
        return (Type *)WdfObjectGetTypedContextWorker(Handle, WDF_GET_CONTEXT_TYPE_INFO(Type));       \
    }

#define WDF_DECLARE_CONTEXT_TYPE(Type) WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(Type, WdfObjectGet_##Type)

#define WdfObjectGetTypedContext(Handle, Type) \
    ((Type *)WdfObjectGetTypedContextWorker(Handle, WDF_GET_CONTEXT_TYPE_INFO(Type)))

static inline VOID WDF_OBJECT_ATTRIBUTES_INIT(PWDF_OBJECT_ATTRIBUTES Attributes)
{
    WDF_INITIALIZE(Attributes);
    Attributes->ExecutionLevel = WdfExecutionLevelInheritFromParent;
    Attributes->SynchronizationScope = WdfSynchronizationScopeInheritFromParent;
}

#define WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(Attributes, Type) \
    ((Attributes)->ContextTypeInfo = WDF_GET_CONTEXT_TYPE_INFO(Type))

#define WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(Attributes, Type)  \
    do {                                                           \
        WDF_OBJECT_ATTRIBUTES_INIT(Attributes);                    \
        WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(Attributes, Type);  \
    } while (0)

static inline VOID WDF_DRIVER_CONFIG_INIT(PWDF_DRIVER_CONFIG Config, PFN_WDF_DRIVER_DEVICE_ADD EvtDriverDeviceAdd)
{
    WDF_INITIALIZE(Config);
    Config->EvtDriverDeviceAdd = EvtDriverDeviceAdd;
}

static inline VOID WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(PWDF_DRIVER_VERSION_AVAILABLE_PARAMS Params,
                                                            ULONG MajorVersion, ULONG MinorVersion)
{
    WDF_INITIALIZE(Params);
    Params->MajorVersion = MajorVersion;
    Params->MinorVersion = MinorVersion;
}

static inline VOID WDF_PNPPOWER_EVENT_CALLBACKS_INIT(PWDF_PNPPOWER_EVENT_CALLBACKS Callbacks)
{
    WDF_INITIALIZE(Callbacks);
}

static inline VOID WDF_FILEOBJECT_CONFIG_INIT(PWDF_FILEOBJECT_CONFIG Config,
                                              PFN_WDF_DEVICE_FILE_CREATE EvtDeviceFileCreate,
                                              PFN_WDF_FILE_CLOSE EvtFileClose, PFN_WDF_FILE_CLEANUP EvtFileCleanup)
{
    WDF_INITIALIZE(Config);
    Config->EvtDeviceFileCreate = EvtDeviceFileCreate;
    Config->EvtFileClose = EvtFileClose;
    Config->EvtFileCleanup = EvtFileCleanup;
    Config->AutoForwardCleanupClose = WdfUseDefault;
    Config->FileObjectClass = WdfFileObjectWdfCannotUseFsContexts;
}

static inline VOID WDF_IO_QUEUE_CONFIG_INIT(PWDF_IO_QUEUE_CONFIG Config, WDF_IO_QUEUE_DISPATCH_TYPE DispatchType)
{
    WDF_INITIALIZE(Config);
    Config->PowerManaged = WdfUseDefault;
    Config->DispatchType = DispatchType;
    if (DispatchType == WdfIoQueueDispatchParallel) {
        Config->Settings.Parallel.NumberOfPresentedRequests = (ULONG)-1;
    }
}

static inline VOID WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(PWDF_IO_QUEUE_CONFIG Config,
                                                          WDF_IO_QUEUE_DISPATCH_TYPE DispatchType)
{
    WDF_IO_QUEUE_CONFIG_INIT(Config, DispatchType);
    Config->DefaultQueue = TRUE;
}

static inline VOID WDF_REQUEST_PARAMETERS_INIT(PWDF_REQUEST_PARAMETERS Parameters)
{
    WDF_INITIALIZE(Parameters);
}

/* The initialisers of these three differ in the names alone. */
#define WDF_DEFINE_CONFIG_INIT(Kind, Callback)                                                        \
    static inline VOID WDF_##Kind##_CONFIG_INIT(PWDF_##Kind##_CONFIG Config, PFN_WDF_##Kind Callback) \
    {                                                                                                 \
        WDF_INITIALIZE(Config);                                                                       \
        Config->Callback = Callback;                                                                  \
        Config->AutomaticSerialization = TRUE;                                                        \
    }

WDF_DEFINE_CONFIG_INIT(TIMER, EvtTimerFunc)
WDF_DEFINE_CONFIG_INIT(DPC, EvtDpcFunc)
WDF_DEFINE_CONFIG_INIT(WORKITEM, EvtWorkItemFunc)

/* Period in milliseconds. */
static inline VOID WDF_TIMER_CONFIG_INIT_PERIODIC(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc, LONG Period)
{
    WDF_TIMER_CONFIG_INIT(Config, EvtTimerFunc);
    Config->Period = Period;
}
