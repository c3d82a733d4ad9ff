// A line a second for whoever watches.
#pragma once

#include <deque>

#include "samples/load_test/schedule.h"
#include "samples/load_test/worker.h"

namespace load_test {

/// The body of a coroutine: prints to stderr for ever; the end of the run cancels it.
void print_progress(const std::deque<Worker>& workers, const Schedule& schedule);

}  // namespace load_test
