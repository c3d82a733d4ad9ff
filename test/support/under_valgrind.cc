// What Valgrind is told before a test begins. Linked into every test; elsewhere it does nothing.
#include <pthread.h>

#include <cstddef>

#include "colibri/core/sanitizer.h"

namespace colibri::test {
namespace {

/// Tests pass null and the like, to see them refused. Valgrind would report that before the kernel
/// is asked. Where nothing can be mapped, whoever does not ask the kernel crashes all the same.
void let_bad_pointers_pass() {
  constexpr std::size_t kNeverMapped = 64 * 1024;
  tell_valgrind_defined(nullptr, kNeverMapped);
}

/// To the child of a fork the stacks of its parent's other threads are lost, and with them what
/// they alone refer to.
void look_for_leaks_in_no_child() {
  pthread_atfork(nullptr, nullptr, &stop_leak_check);
}

[[maybe_unused]] const bool told = [] {
  if (!kRunsOnValgrind) return false;
  let_bad_pointers_pass();
  look_for_leaks_in_no_child();
  return true;
}();

}  // namespace
}  // namespace colibri::test
