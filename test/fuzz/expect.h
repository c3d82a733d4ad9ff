// What fuzzers expect of each input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace colibri::test {

/// Ends the process, so that the fuzzer keeps the input, unless `holds`. `what` says what should.
inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

}  // namespace colibri::test
