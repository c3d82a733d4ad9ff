// The limit of open descriptors, RLIMIT_NOFILE.
#pragma once

#include "samples/load_test/options.h"

namespace load_test {

/// Raises the soft limit to the hard one. Throws std::runtime_error with a sentence that names the
/// limit when the connections asked for do not fit.
void make_room_for(const Options& options);

}  // namespace load_test
