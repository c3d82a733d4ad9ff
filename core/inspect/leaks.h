// Coroutines that are parked for ever on a channel that nobody else holds.
#pragma once

#include <string>
#include <vector>

#include "colibri/core/inspect/coroutine_info.h"

namespace colibri {

/// Coroutines of the calling thread's scheduler that wait, without a deadline, at channels of which
/// every handle lies on the stack of one that waits so itself: nobody will ever send to them or
/// receive from them, and nobody can close the channel. With their stacks. As one moment sees it:
/// nobody else runs meanwhile.
///
/// Handles are found by looking through stacks for what looks like one. One that lies elsewhere, as
/// in an object in the heap, keeps its channel's waiters off the list, whoever owns it. The other
/// way round, what was left on a stack of a handle that is gone may be taken for it: a name on the
/// list is a hint, if a strong one. In check mode of shared stacks, none are found there. Throws
/// std::bad_alloc.
std::vector<CoroutineInfo> find_leaks();

/// Whether run, once its main has ended, and before it cancels those who are left, writes to
/// standard error who of them is on that list. Every thread. With COLIBRI_LEAKS=1 in the
/// environment, it is on from the start.
void report_leaks_at_end(bool on) noexcept;

}  // namespace colibri
