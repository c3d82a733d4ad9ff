// C code with cleanup handlers; see c_cleanup.c.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/// Calls `body()` under two cleanup handlers. If it returns, the outer one runs and the inner one
/// does not; if it ends the flow, both do, the inner one first. Each calls `note` with its initial.
void with_c_cleanups(void (*note)(void* initial), void (*body)(void));

#ifdef __cplusplus
}
#endif
