/*
 * For a driver in C, which includes <wdmsec.h> and links wdmsec.lib for these constants. Their values are those
 * in "SDDL for Device Objects" in the Windows driver documentation.
 */
#pragma once

#include_next <wdmsec.h>

#define SDDL_DEVOBJ(Name, Text) \
    __declspec(selectany) const UNICODE_STRING SDDL_DEVOBJ_##Name = {sizeof(Text) - sizeof(WCHAR), sizeof(Text), (PWCH)Text}

SDDL_DEVOBJ(KERNEL_ONLY, L"D:P");
SDDL_DEVOBJ(SYS_ALL, L"D:P(A;;GA;;;SY)");
SDDL_DEVOBJ(SYS_ALL_ADM_ALL, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
SDDL_DEVOBJ(SYS_ALL_ADM_RX, L"D:P(A;;GA;;;SY)(A;;GRGX;;;BA)");
SDDL_DEVOBJ(SYS_ALL_ADM_RWX_WORLD_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)");
SDDL_DEVOBJ(SYS_ALL_ADM_RWX_WORLD_R_RES_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)(A;;GR;;;RC)");
SDDL_DEVOBJ(SYS_ALL_ADM_RWX_WORLD_RW_RES_R, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGW;;;WD)(A;;GR;;;RC)");
SDDL_DEVOBJ(SYS_ALL_ADM_RWX_WORLD_RWX_RES_RWX, L"D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGWGX;;;WD)(A;;GRGWGX;;;RC)");
