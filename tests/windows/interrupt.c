/* What a console tells the process PID: `interrupt INT PID` for Ctrl-C, `BREAK` for Ctrl-Break, `CLOSE` when its window is closed. */
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* This process is on that console as well, and stays. */
static BOOL WINAPI stay(DWORD event) { return TRUE; }

static int press_ctrl_c(DWORD process) {
    FreeConsole();
    if (!AttachConsole(process)) return 3;
    SetConsoleCtrlHandler(stay, TRUE);
    return GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) ? 0 : 4;
}

/* Wine 8 generates no other event. This is how the system hands one to a process: in a new thread of it. */
static int tell(DWORD event, DWORD process) {
    FARPROC routine = GetProcAddress(GetModuleHandleA("kernelbase"), "CtrlRoutine");
    HANDLE told = OpenProcess(PROCESS_ALL_ACCESS, FALSE, process);
    if (!routine || !told) return 5;
    return CreateRemoteThread(told, NULL, 0, (LPTHREAD_START_ROUTINE)routine, (void *)(DWORD_PTR)event, 0, NULL) ? 0 : 6;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    DWORD process = strtoul(arguments[2], NULL, 10);
    if (strcmp(arguments[1], "INT") == 0) return press_ctrl_c(process);
    if (strcmp(arguments[1], "BREAK") == 0) return tell(CTRL_BREAK_EVENT, process);
    if (strcmp(arguments[1], "CLOSE") == 0) return tell(CTRL_CLOSE_EVENT, process);
    return 2;
}
