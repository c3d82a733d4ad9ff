#include "colibri/hook/handler_scope.h"

#include <utility>

namespace colibri {
namespace {

constexpr std::uint8_t kInHandler = ControlBlock::kInHandler;
constexpr std::uint8_t kDepth = 0x7f;  // the other bits

constinit thread_local HandlerRecord record;

/// The outermost handler's frame on the stack that `here` lies on; 0: none.
std::uintptr_t outermost_frame(std::uintptr_t here) noexcept {
  const bool on_alternate = here >= record.alternate_low && here < record.alternate_high;
  return on_alternate ? record.on_alternate : record.on_stack;
}

bool was_left(const ControlBlock& coroutine, std::uintptr_t here) noexcept {
  // Handlers never park: if another coroutine's ran since, this one is over.
  return record.coroutine != &coroutine || record.jumped || here > outermost_frame(here);
}

}  // namespace

constinit thread_local HandlerCounts handler_counts;

HandlerScope::HandlerScope(const ucontext_t* context) noexcept : coroutine_(thread_state.current) {
  if (coroutine_ == nullptr) return;
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto low = reinterpret_cast<std::uintptr_t>(context->uc_stack.ss_sp);
  const std::uintptr_t high = low + context->uc_stack.ss_size;
  const bool on_alternate = frame >= low && frame < high;
  nested_ = (coroutine_->bypass_depth & kInHandler) != 0 && record.coroutine == coroutine_ &&
            !record.jumped && (on_alternate || frame < record.on_stack);
  if (!nested_) record = {.coroutine = coroutine_};
  if (on_alternate && record.on_alternate == 0) {
    record.on_alternate = frame;
    record.alternate_low = low;
    record.alternate_high = high;
    added_alternate_ = true;
  }
  if (!on_alternate && !nested_) record.on_stack = frame;
  coroutine_->bypass_depth |= kInHandler;
}

HandlerScope::~HandlerScope() {
  if (coroutine_ == nullptr) return;
  if (!nested_) {
    coroutine_->bypass_depth &= kDepth;
    record = {};
    return;
  }
  record.jumped = false;  // that was inside this handler
  if (added_alternate_) record.on_alternate = record.alternate_low = record.alternate_high = 0;
}

bool has_left_handler(ControlBlock& coroutine) noexcept {
  if (!was_left(coroutine, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)))) {
    return false;
  }
  coroutine.bypass_depth &= kDepth;
  if (record.coroutine == &coroutine) record = {};
  return true;
}

HandlerPutAside::HandlerPutAside() noexcept : record_(std::exchange(record, {})) {}

HandlerPutAside::~HandlerPutAside() {
  record = record_;
}

Jump note_jump(const void* target) noexcept {
  if (record.coroutine == nullptr) return Jump::kOutsideHandlers;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto where = reinterpret_cast<std::uintptr_t>(target);
  const bool made_by_handler = where > here && where < outermost_frame(here);
  record.jumped = record.jumped || !made_by_handler;
  return made_by_handler ? Jump::kWithinHandler : Jump::kOutOfHandler;
}

}  // namespace colibri
