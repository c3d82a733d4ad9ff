#include "colibri/core/launch.h"

#include <atomic>
#include <exception>

#include "colibri/core/canceled.h"
#include "colibri/core/coroutine_report.h"
#include "colibri/core/local.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

std::uint64_t next_id() noexcept {
  // Threads take ids in batches: the shared counter is touched once in a thousand spawns.
  constexpr std::uint64_t kBatch = 1024;
  static constinit std::atomic<std::uint64_t> batches{0};
  static constinit thread_local std::uint64_t last = 0;
  if (last % kBatch == 0) last = batches.fetch_add(1, std::memory_order_relaxed) * kBatch;
  return ++last;
}

}  // namespace

StackPointer coroutine_entry(void* argument) {
  auto& self = *static_cast<ControlBlock*>(argument);
  self.sanitizer.after_switch();
  try {
    self.body(self);
  } catch (const Canceled&) {
    // The usual way for a cancelled coroutine to end.
  } catch (const std::exception& error) {
    report_escaped_exception(self, error.what());
  } catch (...) {
    report_escaped_exception(self, "not derived from std::exception");
  }
  destroy_locals(self.locals);
  return self.end(self);
}

void prepare_first_frame(ControlBlock& block, void* high) noexcept {
  block.stack_pointer = make_context(high, &coroutine_entry, &block);
  block.sanitizer.start(block.stack->low, block.stack->usable_bytes());
}

void identify(ControlBlock& block, const SpawnOptions& options) noexcept {
  block.id = next_id();
  block.name = options.name;
  block.site = options.site;
  block.node.coroutine = &block;
  block.timer.coroutine = &block;
  inherit_locals(block);
}

}  // namespace colibri
