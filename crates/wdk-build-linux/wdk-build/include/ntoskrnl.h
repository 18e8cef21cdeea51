/*
 * The kernel's headers of mingw-w64, and what a driver of today needs beyond them: routines that
 * are younger than those headers, and routines that they define as inline functions although the
 * kernel exports them and the WDK declares them. Names, arguments and values are those of the
 * public documentation of wdm.h, ntddk.h and ntifs.h.
 */
#ifndef NTOSKRNL_H
#define NTOSKRNL_H

/* Inline there, exported by the kernel: moved out of the way, and declared below. */
#define KeGetCurrentIrql KeGetCurrentIrqlInline
#define KeLowerIrql KeLowerIrqlInline
#define KfRaiseIrql KfRaiseIrqlInline
#define KeInitializeSpinLock KeInitializeSpinLockInline

/* KPCR points at them. They stay undefined there, and bindgen before 0.73 fails on an undefined union. */
union _KGDTENTRY64 { unsigned long long Words[2]; };
union _KIDTENTRY64 { unsigned long long Words[2]; };

#include <ntifs.h>
#include <ntddk.h>
#include <ntstrsafe.h>

#undef KeGetCurrentIrql
#undef KeLowerIrql
#undef KfRaiseIrql
#undef KeInitializeSpinLock

KIRQL KeGetCurrentIrql(VOID);
VOID KeLowerIrql(KIRQL NewIrql);
KIRQL KfRaiseIrql(KIRQL NewIrql);
VOID KeInitializeSpinLock(PKSPIN_LOCK SpinLock);

/* Pool (ExAllocatePool2: since Windows 10, version 2004). The flags stand in wdk-sys. */
typedef ULONG64 POOL_FLAGS;

PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);

/* PsGetProcessStartKey: since Windows 10, version 1703. */
ULONGLONG PsGetProcessStartKey(PEPROCESS Process);

/* MmCopyMemory: since Windows 8.1. */
typedef struct _MM_COPY_ADDRESS {
    union {
        PVOID VirtualAddress;
        PHYSICAL_ADDRESS PhysicalAddress;
    };
} MM_COPY_ADDRESS, *PMMCOPY_ADDRESS;

_Static_assert(sizeof(MM_COPY_ADDRESS) == 8, "MM_COPY_ADDRESS");

#define MM_COPY_MEMORY_PHYSICAL 0x1
#define MM_COPY_MEMORY_VIRTUAL 0x2

NTSTATUS MmCopyMemory(PVOID TargetAddress, MM_COPY_ADDRESS SourceAddress, SIZE_T NumberOfBytes, ULONG Flags,
                      PSIZE_T NumberOfBytesTransferred);

PPHYSICAL_MEMORY_RANGE MmGetPhysicalMemoryRangesEx2(PVOID PartitionObject, ULONG Flags);

PVOID MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                     PHYSICAL_ADDRESS HighestAcceptableAddress,
                                     PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
                                     NODE_REQUIREMENT PreferredNode);

PVOID MmAllocateMappingAddressEx(SIZE_T NumberOfBytes, ULONG PoolTag, ULONG64 Flags);

#endif
