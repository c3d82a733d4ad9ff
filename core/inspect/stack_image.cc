#include "colibri/core/inspect/stack_image.h"

#include "colibri/core/context.h"
#include "colibri/core/stack_of.h"

namespace colibri {

StackImage StackImage::of(const ControlBlock& coroutine) noexcept {
  StackImage image;
  const bool shared = coroutine.on_shared_stack();
  if (coroutine.stack_pointer == nullptr) return image;
  if (shared && thread_state.shared_stacks->checking()) return image;
  // Those that are not direct have been copied out.
  const void* where = shared && !coroutine.direct ? coroutine.storage : coroutine.stack_pointer;
  image.bytes_ = static_cast<const std::byte*>(where);
  const auto top = reinterpret_cast<std::uintptr_t>(stack_of(coroutine).top());
  image.size_ = top - reinterpret_cast<std::uintptr_t>(coroutine.stack_pointer);
  return image;
}

std::uintptr_t StackImage::instruction_pointer() const noexcept {
  return saved_registers(const_cast<std::byte*>(bytes_)).instruction_pointer;
}

// A word may lie where AddressSanitizer guards a frame.
__attribute__((no_sanitize("address", "thread"))) std::uintptr_t StackImage::word_at(
    std::size_t offset) const noexcept {
  return *reinterpret_cast<const std::uintptr_t*>(bytes_ + offset);
}

}  // namespace colibri
