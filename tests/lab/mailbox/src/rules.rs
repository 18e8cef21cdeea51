//! The rules of Driver Verifier that the lab checks.
//!
//! They are those of Driver Verifier's standard settings that name something which a KMDF driver
//! without a device does, or its framework for it. The text of a violation names the rule and its
//! page.
//!
//! The rules of KMDF are for Static Driver Verifier, which reads the sources of a driver in C ("How to
//! test: at compile time", as in "`CtlDeviceFinishInitDrEntry` rule (kmdf)" and "`DeviceInitAPI` rule
//! (kmdf)"). Those that a run of the lab shows broken are here, too.

/// How a test breaks a rule on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The lab's kernel does, when it is asked to: [`Command::Break`](crate::Command::Break).
    Kernel,
    /// A mutant of the driver does: the name of its patch.
    Mutant(&'static str),
}

/// The description of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name; Microsoft's where its page gives one.
    pub name: &'static str,
    /// Its page in the Windows driver documentation.
    pub page: &'static str,
    /// What it asks of a driver.
    pub text: &'static str,
    /// How a test breaks it.
    pub breach: Breach,
}

macro_rules! rules {
    ($($page:literal { $($name:ident: $breach:expr, $text:literal;)+ })+) => {
        /// A rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        #[expect(clippy::doc_markdown, reason = "the texts are printed, too")]
        pub enum Rule {
            $($(#[doc = $text] $name,)+)+
        }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// Returns its description.
            #[must_use]
            pub const fn description(self) -> Description {
                match self {
                    $($(Self::$name => Description {
                        name: stringify!($name),
                        page: $page,
                        text: $text,
                        breach: $breach,
                    },)+)+
                }
            }
        }
    };
}

use Breach::{Kernel, Mutant};

rules! {
    "debugger/bug-check-0xc9--driver-verifier-iomanager-violation" {
        CompletedStatus: Kernel, "IoCompleteRequest gets a final status: neither STATUS_PENDING nor -1.";
        CompletedCancelRoutine: Kernel, "IoCompleteRequest gets a request without a cancel routine.";
        CompletedIrql: Kernel, "IoCompleteRequest is called at DISPATCH_LEVEL at most.";
        SentType: Kernel, "IoCallDriver gets an I/O request packet.";
        SentDevice: Kernel, "IoCallDriver gets a device object.";
        SentIrql: Kernel, "IoCallDriver is called at DISPATCH_LEVEL at most.";
        SentCancelRoutine: Kernel, "IoCallDriver gets a request without a cancel routine.";
        SentStackLocations: Kernel, "A request is sent no further than it has stack locations.";
    }
    "debugger/bug-check-0x44--multiple-irp-complete-requests" {
        CompletedTwice: Kernel, "A request is completed once.";
    }
    "devtest/enhanced-i-o-verification" {
        PendingReturned: Kernel, "A dispatch routine returns STATUS_PENDING if it marked the request pending, and else the request's status.";
        DeviceDeletedTwice: Kernel, "A device object is deleted once.";
    }
    "kernel/failure-to-check-the-size-of-buffers" {
        InformationLength: Kernel, "IoStatus.Information is the output buffer's length at most.";
    }
    "devtest/force-irql-checking" {
        PageableMemory: Kernel, "Pageable memory is touched below DISPATCH_LEVEL alone: paged pool, pageable sections.";
        UserMemory: Mutant("user_memory_is_touched_at_a_raised_irql"), "User memory, which is pageable, is touched below DISPATCH_LEVEL alone.";
        PageableLock: Kernel, "Spin locks, events and fast mutexes lie in nonpaged memory.";
    }
    "devtest/deadlock-detection" {
        LockOrder: Kernel, "No two locks are acquired in one order here and in the other order there.";
        LockHeld: Kernel, "A lock is not acquired by its holder.";
        LockReleased: Kernel, "A lock is released by its holder.";
        LockInitialized: Kernel, "A lock is initialised once, and not while it is held.";
    }
    "devtest/wdm-spinlock" {
        SpinLock: Kernel, "A routine returns without the locks that it acquired.";
    }
    "devtest/security-checks" {
        ZwAddress: Kernel, "No parameter of a ZwXxx routine is a user address.";
        ZwString: Kernel, "UNICODE_STRINGs for ZwXxx routines have even lengths, the shorter one first, and system addresses.";
        ZwAttributes: Kernel, "Members of OBJECT_ATTRIBUTES are no user addresses.";
        KernelIrp: Kernel, "A request of kernel mode has no user addresses in its buffers.";
        ObjectReference: Kernel, "An object that has no references is not referenced.";
    }
    "debugger/bug-check-0xc4--driver-verifier-detected-violation" {
        NullHandle: Kernel, "ObReferenceObjectByHandle gets a handle. (0xF5)";
        UserHandle: Kernel, "A user's handle is not referenced in kernel mode. (0xF6)";
        CloseHandle: Kernel, "ZwClose gets a kernel handle.";
        KeRaiseIrql: Kernel, "KeRaiseIrql does not lower the IRQL. (0x30)";
        KeLowerIrql: Kernel, "KeLowerIrql does not raise the IRQL. (0x31)";
        WaitIrql: Kernel, "A thread waits at APC_LEVEL at most, unless its timeout is zero. (0x120)";
        PoolSize: Kernel, "A pool allocation has a length. (0x00)";
    }
    "kernel/object-handles" {
        KernelHandle: Kernel, "A handle that is opened in a user's process has OBJ_KERNEL_HANDLE.";
    }
    "devtest/special-pool" {
        PoolOverrun: Kernel, "Bytes after a pool allocation are not written.";
        PoolFreed: Kernel, "A pool allocation is freed once.";
        PoolTag: Kernel, "A pool allocation is freed with its tag.";
    }
    "devtest/pool-tracking" {
        PoolLeak: Mutant("pool_is_never_freed"), "All pool is freed before the driver is unloaded.";
    }
    "devtest/wdm-irqldispatch" {
        IrqlDispatch: Kernel, "KeAcquireSpinLockAtDpcLevel and its counterpart are called at DISPATCH_LEVEL.";
    }
    "devtest/wdm-irqlexallocatepool" {
        IrqlExAllocatePool: Kernel, "Paged pool is allocated at APC_LEVEL at most, other pool at DISPATCH_LEVEL.";
    }
    "devtest/wdm-irqlexapclte1" {
        IrqlExApcLte1: Kernel, "Fast mutexes are acquired at APC_LEVEL at most.";
    }
    "devtest/wdm-irqlexapclte2" {
        IrqlExApcLte2: Kernel, "ProbeForRead and ProbeForWrite are called at APC_LEVEL at most.";
    }
    "devtest/wdm-irqlioapclte" {
        IrqlIoApcLte: Kernel, "IoDeleteDevice is called at APC_LEVEL at most.";
    }
    "devtest/wdm-irqliopassive1" {
        IrqlIoPassive1: Kernel, "IoCreateDevice is called at PASSIVE_LEVEL.";
    }
    "devtest/wdm-irqliopassive4" {
        IrqlIoPassive4: Kernel, "Symbolic links are created and deleted at PASSIVE_LEVEL.";
    }
    "devtest/wdm-irqlkeapclte2" {
        IrqlKeApcLte2: Kernel, "Critical regions are entered and left at APC_LEVEL at most.";
    }
    "devtest/wdm-irqlkedispatchlte" {
        IrqlKeDispatchLte: Kernel, "Spin locks are acquired and events reset at DISPATCH_LEVEL at most.";
    }
    "devtest/wdm-irqlkereleasespinlock" {
        IrqlKeReleaseSpinLock: Kernel, "KeReleaseSpinLock is called at DISPATCH_LEVEL, with the IRQL of before.";
    }
    "devtest/wdm-irqlkesetevent" {
        IrqlKeSetEvent: Kernel, "KeSetEvent is called at DISPATCH_LEVEL at most, and at APC_LEVEL if a wait follows.";
    }
    "devtest/wdm-irqlmmdispatch" {
        IrqlMmDispatch: Kernel, "MmFreeContiguousMemory is called at DISPATCH_LEVEL at most.";
    }
    "devtest/wdm-irqlobpassive" {
        IrqlObPassive: Kernel, "ObReferenceObjectByHandle is called at PASSIVE_LEVEL.";
    }
    "devtest/wdm-irqlreturn" {
        IrqlReturn: Kernel, "A routine returns at the IRQL that it was called at.";
    }
    "devtest/wdm-irqlzwpassive" {
        IrqlZwPassive: Kernel, "ZwXxx routines are called at PASSIVE_LEVEL.";
    }
    "devtest/wdm-criticalregions" {
        CriticalRegions: Kernel, "A critical region is entered before it is left, and left before a routine returns.";
    }
    "kernel/managing-hardware-priorities" {
        DocumentedIrql: Kernel, "A routine is called at the IRQL that its own page names.";
    }
    "devtest/kmdf-doublecompletion" {
        DoubleCompletion: Mutant("a_request_is_completed_twice"), "WdfRequestCompleteXxx is called once for a request.";
    }
    "devtest/kmdf-invalidreqaccess" {
        InvalidReqAccess: Mutant("a_request_is_used_after_its_completion"), "A request is not used after its completion.";
    }
    "devtest/kmdf-requestcompleted" {
        RequestCompleted: Mutant("a_refused_request_is_not_completed"), "Each request that a queue presents is completed.";
    }
    "devtest/kmdf-kmdfirql" {
        KmdfIrql: Mutant("a_link_is_made_at_a_raised_irql"), "Framework methods are called at the IRQL that their pages name.";
    }
}

impl Rule {
    /// Returns the folder whose code checks the rule.
    #[must_use]
    pub const fn checker(self) -> &'static str {
        match self {
            Self::DoubleCompletion | Self::InvalidReqAccess | Self::KmdfIrql => "tests/wdf",
            _ => "tests/lab/kernel",
        }
    }

    /// Returns the rule with a number.
    #[must_use]
    pub fn from_wire(value: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|&rule| rule as u64 == value)
    }
}
