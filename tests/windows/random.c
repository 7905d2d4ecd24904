/* A stand-in for bcryptprimitives.dll, which Wine 8 lacks and from which Rust's standard library takes random numbers. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) { return RtlGenRandom(bytes, (ULONG)count); }
