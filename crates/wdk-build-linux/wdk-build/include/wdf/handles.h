/*
 * Framework object handles. Each kind is a pointer to a struct of its own that is never defined,
 * so that a compiler tells them apart; WDFOBJECT is the kind that any of them converts to.
 */
#pragma once

typedef HANDLE WDFOBJECT, *PWDFOBJECT;
typedef PVOID WDFCONTEXT;

DECLARE_HANDLE(WDFCOLLECTION);
DECLARE_HANDLE(WDFDEVICE);
DECLARE_HANDLE(WDFDRIVER);
DECLARE_HANDLE(WDFFILEOBJECT);
DECLARE_HANDLE(WDFKEY);
DECLARE_HANDLE(WDFLOOKASIDE);
DECLARE_HANDLE(WDFMEMORY);
DECLARE_HANDLE(WDFQUEUE);
DECLARE_HANDLE(WDFREQUEST);
DECLARE_HANDLE(WDFSPINLOCK);
DECLARE_HANDLE(WDFSTRING);
DECLARE_HANDLE(WDFTIMER);
DECLARE_HANDLE(WDFWAITLOCK);
DECLARE_HANDLE(WDFWORKITEM);

/* What a device will be, before WdfDeviceCreate makes it one. The framework's own: opaque. */
typedef struct WDFDEVICE_INIT *PWDFDEVICE_INIT;
