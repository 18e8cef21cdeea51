//! The functions that have an implementation. Each entry's documented signature is the type of the
//! entry, which the compiler compares with the function.

use super::{LENGTH, NAMES, Table, entry::entry};
use crate::{
    collection, device, dpc, driver, file,
    io_target::{
        self, format,
        remote::{FOR_GOOD, FOR_QUERY_REMOVE},
    },
    lock,
    memory::{self, FROM_BUFFER, TO_BUFFER},
    object,
    queue::{
        self,
        functions::{DRAIN, PURGE, STOP},
    },
    registry,
    request::{
        self,
        buffer::{self, INPUT, OUTPUT},
        user_buffer::{self, READ, WRITE},
    },
    resources, string, timer, verifier, work,
};
use wdk_sys::WDFFUNC;

macro_rules! implemented {
    ($($name:ident = $function:path;)*) => {
        /// Replaces the entries that have an implementation.
        pub(super) const fn fill_in(table: &mut Table) {
            $({
                const INDEX: usize = index_of(stringify!($name));
                let function: signature!($name) = Some(entry::<INDEX, _, _>($function));
                // SAFETY: both are pointers to functions of one ABI; callers know the signature by
                // the index.
                table[INDEX] = unsafe { core::mem::transmute::<signature!($name), WDFFUNC>(function) };
            })*
        }
    };
}

/// The place of a function in the table.
const fn index_of(name: &str) -> usize {
    let mut index = 0;
    while index < LENGTH {
        if is_equal(name.as_bytes(), NAMES[index].as_bytes()) {
            return index;
        }
        index += 1;
    }
    panic!("the framework has no function of this name")
}

const fn is_equal(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([first, rest @ ..], [other_first, other_rest @ ..]) = (one, other) {
        if *first != *other_first {
            return false;
        }
        (one, other) = (rest, other_rest);
    }
    one.is_empty() && other.is_empty()
}

implemented! {
    WdfCmResourceListGetCount = resources::get_count;
    WdfCmResourceListGetDescriptor = resources::get_descriptor;
    WdfControlDeviceInitAllocate = device::init::control_device_init_allocate;
    WdfControlDeviceInitSetShutdownNotification = device::shutdown::set_notification;
    WdfControlFinishInitializing = device::finish_initializing;
    WdfDeviceWdmGetDeviceObject = device::wdm_get_device_object;
    WdfDeviceWdmGetAttachedDevice = device::wdm_get_attached_device;
    WdfDeviceWdmGetPhysicalDevice = device::wdm_get_physical_device;
    WdfDeviceGetDriver = device::get_driver;
    WdfDeviceInitSetPnpPowerEventCallbacks = device::pnp::set_callbacks;
    WdfDeviceInitFree = device::init::free;
    WdfDeviceInitSetIoType = device::init::set_io_type;
    WdfDeviceInitSetExclusive = device::init::set_exclusive;
    WdfDeviceInitSetDeviceType = device::init::set_device_type;
    WdfDeviceInitAssignName = device::init::assign_name;
    WdfDeviceInitAssignSDDLString = device::init::assign_sddl_string;
    WdfDeviceInitSetCharacteristics = device::init::set_characteristics;
    WdfDeviceInitSetFileObjectConfig = device::init::set_file_object_config;
    WdfDeviceInitSetRequestAttributes = device::init::set_request_attributes;
    WdfDeviceInitSetIoInCallerContextCallback = device::init::set_io_in_caller_context_callback;
    WdfDeviceCreate = device::create_device;
    WdfDeviceCreateSymbolicLink = device::create_symbolic_link;
    WdfDeviceCreateDeviceInterface = device::interface::create_interface;
    WdfDeviceSetDeviceInterfaceState = device::interface::set_state;
    WdfDeviceRetrieveDeviceInterfaceString = device::interface::retrieve_string;
    WdfDeviceQueryProperty = device::property::query;
    WdfDeviceAllocAndQueryProperty = device::property::allocate_and_query;
    WdfDeviceEnqueueRequest = request::functions::enqueue;
    WdfDeviceGetDefaultQueue = device::get_default_queue;
    WdfDeviceConfigureRequestDispatching = device::configure_request_dispatching;
    WdfDriverCreate = driver::create_driver;
    WdfDriverGetRegistryPath = driver::get_registry_path;
    WdfDriverWdmGetDriverObject = driver::wdm_get_driver_object;
    WdfDriverRetrieveVersionString = driver::retrieve_version_string;
    WdfDriverIsVersionAvailable = driver::is_version_available;
    WdfFdoInitSetFilter = device::init::set_filter;
    WdfFdoInitWdmGetPhysicalDevice = device::init::wdm_get_physical_device;
    WdfDriverOpenParametersRegistryKey = registry::open_parameters_key;
    WdfFileObjectGetFileName = file::get_file_name;
    WdfFileObjectGetFlags = file::get_flags;
    WdfFileObjectGetDevice = file::get_device;
    WdfFileObjectWdmGetFileObject = file::wdm_get_file_object;
    WdfIoQueueCreate = queue::functions::create_queue;
    WdfIoQueueGetState = queue::functions::get_state;
    WdfIoQueueStart = queue::functions::start;
    WdfIoQueueStop = queue::functions::change::<STOP>;
    WdfIoQueueStopSynchronously = queue::functions::change_and_wait::<STOP>;
    WdfIoQueueDrainSynchronously = queue::functions::change_and_wait::<DRAIN>;
    WdfIoQueuePurgeSynchronously = queue::functions::change_and_wait::<PURGE>;
    WdfIoQueueRetrieveRequestByFileObject = queue::functions::retrieve_by_file_object;
    WdfIoQueueGetDevice = queue::functions::get_device;
    WdfIoQueueRetrieveNextRequest = queue::functions::retrieve_next_request;
    WdfIoQueueDrain = queue::functions::change::<DRAIN>;
    WdfIoQueuePurge = queue::functions::change::<PURGE>;
    WdfMemoryCreate = memory::create_memory;
    WdfMemoryCreatePreallocated = memory::create_preallocated;
    WdfMemoryGetBuffer = memory::get_buffer;
    WdfMemoryCopyToBuffer = memory::copy::<TO_BUFFER>;
    WdfMemoryCopyFromBuffer = memory::copy::<FROM_BUFFER>;
    WdfObjectGetTypedContextWorker = object::functions::get_typed_context;
    WdfObjectAllocateContext = object::functions::allocate_context;
    WdfObjectContextGetObject = object::functions::context_get_object;
    WdfObjectReferenceActual = object::functions::reference;
    WdfObjectDereferenceActual = object::functions::dereference;
    WdfObjectCreate = object::functions::create_object;
    WdfObjectDelete = object::functions::delete;
    WdfRegistryOpenKey = registry::open_key;
    WdfRegistryClose = registry::close;
    WdfRegistryQueryValue = registry::query_value;
    WdfRegistryQueryULong = registry::query_ulong;
    WdfRequestStopAcknowledge = queue::power::stop_acknowledge;
    WdfRequestGetStatus = request::functions::get_status;
    WdfRequestMarkCancelable = request::cancel::mark_cancelable;
    WdfRequestUnmarkCancelable = request::cancel::unmark_cancelable;
    WdfRequestIsCanceled = request::functions::is_canceled;
    WdfRequestIsFrom32BitProcess = request::functions::is_from_32_bit_process;
    WdfRequestComplete = request::complete::complete_request;
    WdfRequestCompleteWithPriorityBoost = request::complete::complete_with_priority_boost;
    WdfRequestCompleteWithInformation = request::complete::complete_with_information;
    WdfRequestGetParameters = request::functions::get_parameters;
    WdfRequestRetrieveInputMemory = buffer::retrieve_memory::<INPUT>;
    WdfRequestRetrieveOutputMemory = buffer::retrieve_memory::<OUTPUT>;
    WdfRequestRetrieveInputBuffer = buffer::retrieve_buffer::<INPUT>;
    WdfRequestRetrieveOutputBuffer = buffer::retrieve_buffer::<OUTPUT>;
    WdfRequestRetrieveInputWdmMdl = buffer::retrieve_wdm_mdl::<INPUT>;
    WdfRequestRetrieveOutputWdmMdl = buffer::retrieve_wdm_mdl::<OUTPUT>;
    WdfRequestRetrieveUnsafeUserInputBuffer = buffer::retrieve_unsafe_user_buffer::<INPUT>;
    WdfRequestRetrieveUnsafeUserOutputBuffer = buffer::retrieve_unsafe_user_buffer::<OUTPUT>;
    WdfRequestSetInformation = request::functions::set_information;
    WdfRequestGetInformation = request::functions::get_information;
    WdfRequestGetFileObject = request::functions::get_file_object;
    WdfRequestProbeAndLockUserBufferForRead = user_buffer::probe_and_lock::<READ>;
    WdfRequestProbeAndLockUserBufferForWrite = user_buffer::probe_and_lock::<WRITE>;
    WdfRequestGetRequestorMode = request::functions::get_requestor_mode;
    WdfRequestForwardToIoQueue = request::functions::forward_to_io_queue;
    WdfRequestGetIoQueue = request::functions::get_io_queue;
    WdfRequestWdmGetIrp = request::functions::wdm_get_irp;
    WdfCollectionCreate = collection::create;
    WdfCollectionGetCount = collection::get_count;
    WdfCollectionAdd = collection::add;
    WdfCollectionRemove = collection::remove;
    WdfCollectionRemoveItem = collection::remove_item;
    WdfCollectionGetItem = collection::get_item;
    WdfCollectionGetFirstItem = collection::get_first_item;
    WdfCollectionGetLastItem = collection::get_last_item;
    WdfDpcCreate = dpc::create;
    WdfDpcEnqueue = dpc::enqueue;
    WdfDpcCancel = dpc::cancel;
    WdfDpcGetParentObject = dpc::get_parent_object;
    WdfDpcWdmGetDpc = dpc::wdm_get_dpc;
    WdfDeviceGetIoTarget = io_target::of_device;
    WdfIoTargetGetDevice = io_target::get_device;
    WdfIoTargetWdmGetTargetDeviceObject = io_target::wdm_get_target_device_object;
    WdfIoTargetWdmGetTargetFileObject = io_target::wdm_get_target_file_object;
    WdfIoTargetWdmGetTargetFileHandle = io_target::wdm_get_target_file_handle;
    WdfIoTargetGetState = io_target::get_state;
    WdfIoTargetCreate = io_target::remote::create_target;
    WdfIoTargetOpen = io_target::remote::open;
    WdfIoTargetClose = io_target::remote::close::<FOR_GOOD>;
    WdfIoTargetCloseForQueryRemove = io_target::remote::close::<FOR_QUERY_REMOVE>;
    WdfIoTargetFormatRequestForRead = io_target::format::transfer::<{ format::READ }>;
    WdfIoTargetFormatRequestForWrite = io_target::format::transfer::<{ format::WRITE }>;
    WdfIoTargetFormatRequestForIoctl = io_target::format::ioctl::<{ format::IOCTL }>;
    WdfIoTargetFormatRequestForInternalIoctl = io_target::format::ioctl::<{ format::INTERNAL_IOCTL }>;
    WdfIoTargetSendReadSynchronously = io_target::synchronous::transfer::<{ format::READ }>;
    WdfIoTargetSendWriteSynchronously = io_target::synchronous::transfer::<{ format::WRITE }>;
    WdfIoTargetSendIoctlSynchronously = io_target::synchronous::ioctl::<{ format::IOCTL }>;
    WdfIoTargetSendInternalIoctlSynchronously
        = io_target::synchronous::ioctl::<{ format::INTERNAL_IOCTL }>;
    WdfRequestCreate = io_target::functions::create_request;
    WdfRequestReuse = io_target::functions::reuse;
    WdfRequestChangeTarget = io_target::functions::change_target;
    WdfRequestFormatRequestUsingCurrentType = io_target::functions::format_using_current_type;
    WdfRequestSetCompletionRoutine = io_target::functions::set_completion_routine;
    WdfRequestSend = io_target::functions::send;
    WdfRequestCancelSentRequest = io_target::functions::cancel_sent;
    WdfRequestGetCompletionParams = io_target::functions::get_completion_params;
    WdfTimerCreate = timer::create;
    WdfTimerStart = timer::start;
    WdfTimerStop = timer::stop;
    WdfTimerGetParentObject = timer::get_parent_object;
    WdfWorkItemCreate = work::create;
    WdfWorkItemEnqueue = work::enqueue;
    WdfWorkItemGetParentObject = work::get_parent_object;
    WdfWorkItemFlush = work::flush;
    WdfStringCreate = string::create_string;
    WdfStringGetUnicodeString = string::get_unicode_string;
    WdfWaitLockCreate = lock::create_wait_lock;
    WdfWaitLockAcquire = lock::acquire_wait_lock;
    WdfWaitLockRelease = lock::release_wait_lock;
    WdfSpinLockCreate = lock::create_spin_lock;
    WdfSpinLockAcquire = lock::acquire_spin_lock;
    WdfSpinLockRelease = lock::release_spin_lock;
    WdfVerifierDbgBreakPoint = verifier::dbg_break_point;
    WdfVerifierKeBugCheck = verifier::ke_bug_check;
    WdfRequestMarkCancelableEx = request::cancel::mark_cancelable_ex;
    WdfDeviceInitSetIoTypeEx = device::init::set_io_type_ex;
    WdfRequestGetRequestorProcessId = request::functions::get_requestor_process_id;
}
