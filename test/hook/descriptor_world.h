// A world of descriptors in which everything happens that programs do with them, at random.
#pragma once

#include <cstddef>

#include "test/support/libc_parity.h"

namespace colibri::test {

/// So many things happen, which are a function of the seed alone; the session notes what each
/// gives. In the session's flow, which waits now and then, also for helpers.
void play_with_descriptors(Session& session, unsigned seed, std::size_t steps);

}  // namespace colibri::test
