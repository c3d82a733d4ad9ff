#include "colibri/core/inspect/inspection.h"

namespace colibri {

Inspection::Inspection()
    : scheduler_(Scheduler::current("colibri::Inspection")),
      cursor_(std::make_unique<AliveCursor>()) {
  scheduler_.open_cursor(*cursor_);
}

Inspection::~Inspection() {
  scheduler_.close_cursor(*cursor_);
}

void Inspection::give_way() noexcept {
  if (can_park()) thread_state.scheduler->yield_to_loop();
}

namespace {

/// True if it is `id`'s, or has resumed that one, itself or through others.
bool stands_for(const ControlBlock& coroutine, std::uint64_t id) noexcept {
  const ControlBlock* each = &coroutine;
  while (each->id != id && each->state == CoroutineState::kResuming) each = each->resumed;
  return each->id == id;
}

}  // namespace

const ControlBlock* Inspection::find(std::uint64_t id) noexcept {
  Scheduler& scheduler = Scheduler::current("colibri::Inspection::find");
  if (id == 0) return nullptr;
  const ControlBlock* each = scheduler.alive() != 0 ? &scheduler.newest() : nullptr;
  while (each != nullptr && !stands_for(*each, id)) each = each->next_alive;
  if (each != nullptr) return each;
  SuspendedByHand suspended;
  std::size_t looks = static_cast<std::size_t>(-1);
  do each = suspended.next(looks);
  while (each != nullptr && each->id != id);
  return each;
}

}  // namespace colibri
