//! The functions that have an implementation. Each is held to its documented signature by the type
//! of its entry, and to its index by its name.

use super::{NAMES, Table};
use crate::{
    device, driver, file, lock, memory, object, queue, registry, request, string, verifier,
};
use wdk_sys::{_WDFFUNCENUM as Index, WDFFUNC};

macro_rules! implemented {
    ($($index:ident: $signature:ident = $function:path;)*) => {
        /// Puts the implementations over what a table has in their places.
        pub(super) const fn put_over(table: &mut Table) {
            $(put(
                table,
                Index::$index as usize,
                stringify!($index),
                {
                    let function: wdk_sys::$signature = Some($function);
                    // SAFETY: both are pointers to functions of one ABI; the caller knows the
                    // signature by the index.
                    unsafe { core::mem::transmute::<wdk_sys::$signature, WDFFUNC>(function) }
                },
            );)*
        }
    };
}

const fn put(table: &mut Table, index: usize, name: &str, function: WDFFUNC) {
    assert!(is_index_of(name, NAMES[index]));
    table[index] = function;
}

/// Whether the name of an index is that of a function, followed by "`TableIndex`".
const fn is_index_of(index: &str, function: &str) -> bool {
    let (index, function) = (index.as_bytes(), function.as_bytes());
    if index.len() != function.len() + b"TableIndex".len() {
        return false;
    }
    let mut position = 0;
    while position < function.len() {
        if index[position] != function[position] {
            return false;
        }
        position += 1;
    }
    true
}

implemented! {
    WdfControlDeviceInitAllocateTableIndex:
        PFN_WDFCONTROLDEVICEINITALLOCATE = device::init::control_device_init_allocate;
    WdfControlFinishInitializingTableIndex:
        PFN_WDFCONTROLFINISHINITIALIZING = device::finish_initializing;
    WdfDeviceWdmGetDeviceObjectTableIndex:
        PFN_WDFDEVICEWDMGETDEVICEOBJECT = device::wdm_get_device_object;
    WdfDeviceGetDriverTableIndex: PFN_WDFDEVICEGETDRIVER = device::get_driver;
    WdfDeviceInitFreeTableIndex: PFN_WDFDEVICEINITFREE = device::init::free;
    WdfDeviceInitSetIoTypeTableIndex: PFN_WDFDEVICEINITSETIOTYPE = device::init::set_io_type;
    WdfDeviceInitSetExclusiveTableIndex:
        PFN_WDFDEVICEINITSETEXCLUSIVE = device::init::set_exclusive;
    WdfDeviceInitSetDeviceTypeTableIndex:
        PFN_WDFDEVICEINITSETDEVICETYPE = device::init::set_device_type;
    WdfDeviceInitAssignNameTableIndex: PFN_WDFDEVICEINITASSIGNNAME = device::init::assign_name;
    WdfDeviceInitAssignSDDLStringTableIndex:
        PFN_WDFDEVICEINITASSIGNSDDLSTRING = device::init::assign_sddl_string;
    WdfDeviceInitSetCharacteristicsTableIndex:
        PFN_WDFDEVICEINITSETCHARACTERISTICS = device::init::set_characteristics;
    WdfDeviceInitSetFileObjectConfigTableIndex:
        PFN_WDFDEVICEINITSETFILEOBJECTCONFIG = device::init::set_file_object_config;
    WdfDeviceInitSetRequestAttributesTableIndex:
        PFN_WDFDEVICEINITSETREQUESTATTRIBUTES = device::init::set_request_attributes;
    WdfDeviceInitSetIoInCallerContextCallbackTableIndex:
        PFN_WDFDEVICEINITSETIOINCALLERCONTEXTCALLBACK =
            device::init::set_io_in_caller_context_callback;
    WdfDeviceCreateTableIndex: PFN_WDFDEVICECREATE = device::create_device;
    WdfDeviceCreateSymbolicLinkTableIndex:
        PFN_WDFDEVICECREATESYMBOLICLINK = device::create_symbolic_link;
    WdfDeviceEnqueueRequestTableIndex: PFN_WDFDEVICEENQUEUEREQUEST = request::functions::enqueue;
    WdfDeviceGetDefaultQueueTableIndex: PFN_WDFDEVICEGETDEFAULTQUEUE = device::get_default_queue;
    WdfDeviceConfigureRequestDispatchingTableIndex:
        PFN_WDFDEVICECONFIGUREREQUESTDISPATCHING = device::configure_request_dispatching;
    WdfDriverCreateTableIndex: PFN_WDFDRIVERCREATE = driver::create_driver;
    WdfDriverGetRegistryPathTableIndex: PFN_WDFDRIVERGETREGISTRYPATH = driver::get_registry_path;
    WdfDriverWdmGetDriverObjectTableIndex:
        PFN_WDFDRIVERWDMGETDRIVEROBJECT = driver::wdm_get_driver_object;
    WdfDriverOpenParametersRegistryKeyTableIndex:
        PFN_WDFDRIVEROPENPARAMETERSREGISTRYKEY = registry::open_parameters_key;
    WdfFileObjectGetFileNameTableIndex: PFN_WDFFILEOBJECTGETFILENAME = file::get_file_name;
    WdfFileObjectGetFlagsTableIndex: PFN_WDFFILEOBJECTGETFLAGS = file::get_flags;
    WdfFileObjectGetDeviceTableIndex: PFN_WDFFILEOBJECTGETDEVICE = file::get_device;
    WdfFileObjectWdmGetFileObjectTableIndex:
        PFN_WDFFILEOBJECTWDMGETFILEOBJECT = file::wdm_get_file_object;
    WdfIoQueueCreateTableIndex: PFN_WDFIOQUEUECREATE = queue::functions::create_queue;
    WdfIoQueueStartTableIndex: PFN_WDFIOQUEUESTART = queue::functions::start;
    WdfIoQueueStopTableIndex: PFN_WDFIOQUEUESTOP = queue::functions::stop;
    WdfIoQueueGetDeviceTableIndex: PFN_WDFIOQUEUEGETDEVICE = queue::functions::get_device;
    WdfIoQueueRetrieveNextRequestTableIndex:
        PFN_WDFIOQUEUERETRIEVENEXTREQUEST = queue::functions::retrieve_next_request;
    WdfIoQueueDrainTableIndex: PFN_WDFIOQUEUEDRAIN = queue::functions::drain;
    WdfIoQueuePurgeTableIndex: PFN_WDFIOQUEUEPURGE = queue::functions::purge;
    WdfMemoryCreateTableIndex: PFN_WDFMEMORYCREATE = memory::create_memory;
    WdfMemoryCreatePreallocatedTableIndex:
        PFN_WDFMEMORYCREATEPREALLOCATED = memory::create_preallocated;
    WdfMemoryGetBufferTableIndex: PFN_WDFMEMORYGETBUFFER = memory::get_buffer;
    WdfMemoryCopyToBufferTableIndex: PFN_WDFMEMORYCOPYTOBUFFER = memory::copy_to_buffer;
    WdfMemoryCopyFromBufferTableIndex: PFN_WDFMEMORYCOPYFROMBUFFER = memory::copy_from_buffer;
    WdfObjectGetTypedContextWorkerTableIndex:
        PFN_WDFOBJECTGETTYPEDCONTEXTWORKER = object::functions::get_typed_context;
    WdfObjectAllocateContextTableIndex:
        PFN_WDFOBJECTALLOCATECONTEXT = object::functions::allocate_context;
    WdfObjectContextGetObjectTableIndex:
        PFN_WDFOBJECTCONTEXTGETOBJECT = object::functions::context_get_object;
    WdfObjectReferenceActualTableIndex: PFN_WDFOBJECTREFERENCEACTUAL = object::functions::reference;
    WdfObjectDereferenceActualTableIndex:
        PFN_WDFOBJECTDEREFERENCEACTUAL = object::functions::dereference;
    WdfObjectCreateTableIndex: PFN_WDFOBJECTCREATE = object::functions::create_object;
    WdfObjectDeleteTableIndex: PFN_WDFOBJECTDELETE = object::functions::delete;
    WdfRegistryOpenKeyTableIndex: PFN_WDFREGISTRYOPENKEY = registry::open_key;
    WdfRegistryCloseTableIndex: PFN_WDFREGISTRYCLOSE = registry::close;
    WdfRegistryQueryValueTableIndex: PFN_WDFREGISTRYQUERYVALUE = registry::query_value;
    WdfRegistryQueryULongTableIndex: PFN_WDFREGISTRYQUERYULONG = registry::query_ulong;
    WdfRequestGetStatusTableIndex: PFN_WDFREQUESTGETSTATUS = request::functions::get_status;
    WdfRequestMarkCancelableTableIndex:
        PFN_WDFREQUESTMARKCANCELABLE = request::cancel::mark_cancelable;
    WdfRequestUnmarkCancelableTableIndex:
        PFN_WDFREQUESTUNMARKCANCELABLE = request::cancel::unmark_cancelable;
    WdfRequestIsCanceledTableIndex: PFN_WDFREQUESTISCANCELED = request::cancel::is_canceled;
    WdfRequestIsFrom32BitProcessTableIndex:
        PFN_WDFREQUESTISFROM32BITPROCESS = request::functions::is_from_32_bit_process;
    WdfRequestCompleteTableIndex: PFN_WDFREQUESTCOMPLETE = request::complete::complete_request;
    WdfRequestCompleteWithPriorityBoostTableIndex:
        PFN_WDFREQUESTCOMPLETEWITHPRIORITYBOOST = request::complete::complete_with_priority_boost;
    WdfRequestCompleteWithInformationTableIndex:
        PFN_WDFREQUESTCOMPLETEWITHINFORMATION = request::complete::complete_with_information;
    WdfRequestGetParametersTableIndex:
        PFN_WDFREQUESTGETPARAMETERS = request::functions::get_parameters;
    WdfRequestRetrieveInputMemoryTableIndex:
        PFN_WDFREQUESTRETRIEVEINPUTMEMORY = request::buffer::retrieve_input_memory;
    WdfRequestRetrieveOutputMemoryTableIndex:
        PFN_WDFREQUESTRETRIEVEOUTPUTMEMORY = request::buffer::retrieve_output_memory;
    WdfRequestRetrieveInputBufferTableIndex:
        PFN_WDFREQUESTRETRIEVEINPUTBUFFER = request::buffer::retrieve_input_buffer;
    WdfRequestRetrieveOutputBufferTableIndex:
        PFN_WDFREQUESTRETRIEVEOUTPUTBUFFER = request::buffer::retrieve_output_buffer;
    WdfRequestRetrieveInputWdmMdlTableIndex:
        PFN_WDFREQUESTRETRIEVEINPUTWDMMDL = request::buffer::retrieve_input_wdm_mdl;
    WdfRequestRetrieveOutputWdmMdlTableIndex:
        PFN_WDFREQUESTRETRIEVEOUTPUTWDMMDL = request::buffer::retrieve_output_wdm_mdl;
    WdfRequestRetrieveUnsafeUserInputBufferTableIndex:
        PFN_WDFREQUESTRETRIEVEUNSAFEUSERINPUTBUFFER =
            request::buffer::retrieve_unsafe_user_input_buffer;
    WdfRequestRetrieveUnsafeUserOutputBufferTableIndex:
        PFN_WDFREQUESTRETRIEVEUNSAFEUSEROUTPUTBUFFER =
            request::buffer::retrieve_unsafe_user_output_buffer;
    WdfRequestSetInformationTableIndex:
        PFN_WDFREQUESTSETINFORMATION = request::functions::set_information;
    WdfRequestGetInformationTableIndex:
        PFN_WDFREQUESTGETINFORMATION = request::functions::get_information;
    WdfRequestGetFileObjectTableIndex:
        PFN_WDFREQUESTGETFILEOBJECT = request::functions::get_file_object;
    WdfRequestProbeAndLockUserBufferForReadTableIndex:
        PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORREAD = request::user_buffer::for_read;
    WdfRequestProbeAndLockUserBufferForWriteTableIndex:
        PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORWRITE = request::user_buffer::for_write;
    WdfRequestGetRequestorModeTableIndex:
        PFN_WDFREQUESTGETREQUESTORMODE = request::functions::get_requestor_mode;
    WdfRequestForwardToIoQueueTableIndex:
        PFN_WDFREQUESTFORWARDTOIOQUEUE = request::functions::forward_to_io_queue;
    WdfRequestGetIoQueueTableIndex: PFN_WDFREQUESTGETIOQUEUE = request::functions::get_io_queue;
    WdfRequestWdmGetIrpTableIndex: PFN_WDFREQUESTWDMGETIRP = request::functions::wdm_get_irp;
    WdfStringCreateTableIndex: PFN_WDFSTRINGCREATE = string::create_string;
    WdfStringGetUnicodeStringTableIndex: PFN_WDFSTRINGGETUNICODESTRING = string::get_unicode_string;
    WdfWaitLockCreateTableIndex: PFN_WDFWAITLOCKCREATE = lock::create_wait_lock;
    WdfWaitLockAcquireTableIndex: PFN_WDFWAITLOCKACQUIRE = lock::acquire_wait_lock;
    WdfWaitLockReleaseTableIndex: PFN_WDFWAITLOCKRELEASE = lock::release_wait_lock;
    WdfSpinLockCreateTableIndex: PFN_WDFSPINLOCKCREATE = lock::create_spin_lock;
    WdfSpinLockAcquireTableIndex: PFN_WDFSPINLOCKACQUIRE = lock::acquire_spin_lock;
    WdfSpinLockReleaseTableIndex: PFN_WDFSPINLOCKRELEASE = lock::release_spin_lock;
    WdfVerifierDbgBreakPointTableIndex: PFN_WDFVERIFIERDBGBREAKPOINT = verifier::dbg_break_point;
    WdfVerifierKeBugCheckTableIndex: PFN_WDFVERIFIERKEBUGCHECK = verifier::ke_bug_check;
    WdfRequestMarkCancelableExTableIndex:
        PFN_WDFREQUESTMARKCANCELABLEEX = request::cancel::mark_cancelable_ex;
    WdfDeviceInitSetIoTypeExTableIndex: PFN_WDFDEVICEINITSETIOTYPEEX = device::init::set_io_type_ex;
    WdfRequestGetRequestorProcessIdTableIndex:
        PFN_WDFREQUESTGETREQUESTORPROCESSID = request::functions::get_requestor_process_id;
}
