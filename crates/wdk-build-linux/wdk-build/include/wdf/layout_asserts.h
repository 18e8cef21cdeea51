/*
 * Size of every struct of structs.h and place of every member, in bytes, on x64. A test holds this
 * list complete and equal to facts/layouts.tsv; the compiler holds the declarations to the list.
 */
#ifndef RINGCOPY_WDF_LAYOUT_ASSERTS_H
#define RINGCOPY_WDF_LAYOUT_ASSERTS_H

_Static_assert(sizeof(struct _WDF_DRIVER_GLOBALS) == 56, "_WDF_DRIVER_GLOBALS");
_Static_assert(offsetof(struct _WDF_DRIVER_GLOBALS, Driver) == 0, "_WDF_DRIVER_GLOBALS.Driver");
_Static_assert(offsetof(struct _WDF_DRIVER_GLOBALS, DriverFlags) == 8, "_WDF_DRIVER_GLOBALS.DriverFlags");
_Static_assert(offsetof(struct _WDF_DRIVER_GLOBALS, DriverTag) == 12, "_WDF_DRIVER_GLOBALS.DriverTag");
_Static_assert(offsetof(struct _WDF_DRIVER_GLOBALS, DriverName) == 16, "_WDF_DRIVER_GLOBALS.DriverName");
_Static_assert(offsetof(struct _WDF_DRIVER_GLOBALS, DisplaceDriverUnload) == 48, "_WDF_DRIVER_GLOBALS.DisplaceDriverUnload");

_Static_assert(sizeof(struct _WDF_OBJECT_ATTRIBUTES) == 56, "_WDF_OBJECT_ATTRIBUTES");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, Size) == 0, "_WDF_OBJECT_ATTRIBUTES.Size");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, EvtCleanupCallback) == 8, "_WDF_OBJECT_ATTRIBUTES.EvtCleanupCallback");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, EvtDestroyCallback) == 16, "_WDF_OBJECT_ATTRIBUTES.EvtDestroyCallback");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, ExecutionLevel) == 24, "_WDF_OBJECT_ATTRIBUTES.ExecutionLevel");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, SynchronizationScope) == 28, "_WDF_OBJECT_ATTRIBUTES.SynchronizationScope");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, ParentObject) == 32, "_WDF_OBJECT_ATTRIBUTES.ParentObject");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, ContextSizeOverride) == 40, "_WDF_OBJECT_ATTRIBUTES.ContextSizeOverride");
_Static_assert(offsetof(struct _WDF_OBJECT_ATTRIBUTES, ContextTypeInfo) == 48, "_WDF_OBJECT_ATTRIBUTES.ContextTypeInfo");

_Static_assert(sizeof(struct _WDF_OBJECT_CONTEXT_TYPE_INFO) == 40, "_WDF_OBJECT_CONTEXT_TYPE_INFO");
_Static_assert(offsetof(struct _WDF_OBJECT_CONTEXT_TYPE_INFO, Size) == 0, "_WDF_OBJECT_CONTEXT_TYPE_INFO.Size");
_Static_assert(offsetof(struct _WDF_OBJECT_CONTEXT_TYPE_INFO, ContextName) == 8, "_WDF_OBJECT_CONTEXT_TYPE_INFO.ContextName");
_Static_assert(offsetof(struct _WDF_OBJECT_CONTEXT_TYPE_INFO, ContextSize) == 16, "_WDF_OBJECT_CONTEXT_TYPE_INFO.ContextSize");
_Static_assert(offsetof(struct _WDF_OBJECT_CONTEXT_TYPE_INFO, UniqueType) == 24, "_WDF_OBJECT_CONTEXT_TYPE_INFO.UniqueType");
_Static_assert(offsetof(struct _WDF_OBJECT_CONTEXT_TYPE_INFO, EvtDriverGetUniqueContextType) == 32, "_WDF_OBJECT_CONTEXT_TYPE_INFO.EvtDriverGetUniqueContextType");

_Static_assert(sizeof(struct _WDF_DRIVER_CONFIG) == 32, "_WDF_DRIVER_CONFIG");
_Static_assert(offsetof(struct _WDF_DRIVER_CONFIG, Size) == 0, "_WDF_DRIVER_CONFIG.Size");
_Static_assert(offsetof(struct _WDF_DRIVER_CONFIG, EvtDriverDeviceAdd) == 8, "_WDF_DRIVER_CONFIG.EvtDriverDeviceAdd");
_Static_assert(offsetof(struct _WDF_DRIVER_CONFIG, EvtDriverUnload) == 16, "_WDF_DRIVER_CONFIG.EvtDriverUnload");
_Static_assert(offsetof(struct _WDF_DRIVER_CONFIG, DriverInitFlags) == 24, "_WDF_DRIVER_CONFIG.DriverInitFlags");
_Static_assert(offsetof(struct _WDF_DRIVER_CONFIG, DriverPoolTag) == 28, "_WDF_DRIVER_CONFIG.DriverPoolTag");

_Static_assert(sizeof(struct _WDF_FILEOBJECT_CONFIG) == 40, "_WDF_FILEOBJECT_CONFIG");
_Static_assert(offsetof(struct _WDF_FILEOBJECT_CONFIG, Size) == 0, "_WDF_FILEOBJECT_CONFIG.Size");
_Static_assert(offsetof(struct _WDF_FILEOBJECT_CONFIG, EvtDeviceFileCreate) == 8, "_WDF_FILEOBJECT_CONFIG.EvtDeviceFileCreate");
_Static_assert(offsetof(struct _WDF_FILEOBJECT_CONFIG, EvtFileClose) == 16, "_WDF_FILEOBJECT_CONFIG.EvtFileClose");
_Static_assert(offsetof(struct _WDF_FILEOBJECT_CONFIG, EvtFileCleanup) == 24, "_WDF_FILEOBJECT_CONFIG.EvtFileCleanup");
_Static_assert(offsetof(struct _WDF_FILEOBJECT_CONFIG, AutoForwardCleanupClose) == 32, "_WDF_FILEOBJECT_CONFIG.AutoForwardCleanupClose");
_Static_assert(offsetof(struct _WDF_FILEOBJECT_CONFIG, FileObjectClass) == 36, "_WDF_FILEOBJECT_CONFIG.FileObjectClass");

_Static_assert(sizeof(struct _WDF_IO_TYPE_CONFIG) == 16, "_WDF_IO_TYPE_CONFIG");
_Static_assert(offsetof(struct _WDF_IO_TYPE_CONFIG, Size) == 0, "_WDF_IO_TYPE_CONFIG.Size");
_Static_assert(offsetof(struct _WDF_IO_TYPE_CONFIG, ReadWriteIoType) == 4, "_WDF_IO_TYPE_CONFIG.ReadWriteIoType");
_Static_assert(offsetof(struct _WDF_IO_TYPE_CONFIG, DeviceControlIoType) == 8, "_WDF_IO_TYPE_CONFIG.DeviceControlIoType");
_Static_assert(offsetof(struct _WDF_IO_TYPE_CONFIG, DirectTransferThreshold) == 12, "_WDF_IO_TYPE_CONFIG.DirectTransferThreshold");

_Static_assert(sizeof(struct _WDF_WORKITEM_CONFIG) == 24, "_WDF_WORKITEM_CONFIG");
_Static_assert(offsetof(struct _WDF_WORKITEM_CONFIG, Size) == 0, "_WDF_WORKITEM_CONFIG.Size");
_Static_assert(offsetof(struct _WDF_WORKITEM_CONFIG, EvtWorkItemFunc) == 8, "_WDF_WORKITEM_CONFIG.EvtWorkItemFunc");
_Static_assert(offsetof(struct _WDF_WORKITEM_CONFIG, AutomaticSerialization) == 16, "_WDF_WORKITEM_CONFIG.AutomaticSerialization");

_Static_assert(sizeof(struct _WDF_REQUEST_PARAMETERS) == 40, "_WDF_REQUEST_PARAMETERS");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, Size) == 0, "_WDF_REQUEST_PARAMETERS.Size");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, MinorFunction) == 2, "_WDF_REQUEST_PARAMETERS.MinorFunction");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, Type) == 4, "_WDF_REQUEST_PARAMETERS.Type");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, Parameters) == 8, "_WDF_REQUEST_PARAMETERS.Parameters");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, Parameters.DeviceIoControl.OutputBufferLength) == 8, "_WDF_REQUEST_PARAMETERS.Parameters.DeviceIoControl.OutputBufferLength");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, Parameters.DeviceIoControl.InputBufferLength) == 16, "_WDF_REQUEST_PARAMETERS.Parameters.DeviceIoControl.InputBufferLength");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, Parameters.DeviceIoControl.IoControlCode) == 24, "_WDF_REQUEST_PARAMETERS.Parameters.DeviceIoControl.IoControlCode");
_Static_assert(offsetof(struct _WDF_REQUEST_PARAMETERS, Parameters.DeviceIoControl.Type3InputBuffer) == 32, "_WDF_REQUEST_PARAMETERS.Parameters.DeviceIoControl.Type3InputBuffer");

_Static_assert(sizeof(struct _WDF_IO_QUEUE_CONFIG) == 96, "_WDF_IO_QUEUE_CONFIG");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, Size) == 0, "_WDF_IO_QUEUE_CONFIG.Size");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, DispatchType) == 4, "_WDF_IO_QUEUE_CONFIG.DispatchType");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, PowerManaged) == 8, "_WDF_IO_QUEUE_CONFIG.PowerManaged");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, AllowZeroLengthRequests) == 12, "_WDF_IO_QUEUE_CONFIG.AllowZeroLengthRequests");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, DefaultQueue) == 13, "_WDF_IO_QUEUE_CONFIG.DefaultQueue");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoDefault) == 16, "_WDF_IO_QUEUE_CONFIG.EvtIoDefault");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoRead) == 24, "_WDF_IO_QUEUE_CONFIG.EvtIoRead");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoWrite) == 32, "_WDF_IO_QUEUE_CONFIG.EvtIoWrite");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoDeviceControl) == 40, "_WDF_IO_QUEUE_CONFIG.EvtIoDeviceControl");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoInternalDeviceControl) == 48, "_WDF_IO_QUEUE_CONFIG.EvtIoInternalDeviceControl");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoStop) == 56, "_WDF_IO_QUEUE_CONFIG.EvtIoStop");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoResume) == 64, "_WDF_IO_QUEUE_CONFIG.EvtIoResume");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, EvtIoCanceledOnQueue) == 72, "_WDF_IO_QUEUE_CONFIG.EvtIoCanceledOnQueue");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, Settings) == 80, "_WDF_IO_QUEUE_CONFIG.Settings");
_Static_assert(offsetof(struct _WDF_IO_QUEUE_CONFIG, Driver) == 88, "_WDF_IO_QUEUE_CONFIG.Driver");

_Static_assert(WdfFunctionTableNumEntries == 458, "WdfFunctionTableNumEntries");

#endif
