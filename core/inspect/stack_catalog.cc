#include "colibri/core/inspect/stack_catalog.h"

#include <algorithm>

#include "colibri/core/context.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/stack_of.h"

namespace colibri {
namespace {

/// The bytes from a coroutine's stack pointer to the top of its stack, wherever they are now.
struct StackImage {
  const std::byte* bytes = nullptr;  // null: not to be had without moving something
  std::size_t size = 0;
};

StackImage image_of(const ControlBlock& coroutine) noexcept {
  const StackPointer stack_pointer = coroutine.stack_pointer;
  // In check mode, what is parked is inaccessible.
  if (stack_pointer == nullptr ||
      (coroutine.on_shared_stack() && thread_state.shared_stacks->checking())) {
    return {};
  }
  const auto* bytes = coroutine.on_shared_stack() && !coroutine.direct
                          ? static_cast<const std::byte*>(coroutine.storage)
                          : static_cast<const std::byte*>(stack_pointer);
  const auto top = reinterpret_cast<std::uintptr_t>(stack_of(coroutine).top());
  return {bytes, top - reinterpret_cast<std::uintptr_t>(stack_pointer)};
}

/// The word may lie where AddressSanitizer guards a frame.
__attribute__((no_sanitize("address", "thread"))) std::uintptr_t word_at(
    const StackImage& image, std::size_t offset) noexcept {
  return *reinterpret_cast<const std::uintptr_t*>(image.bytes + offset);
}

/// True for one that stands still by itself, and not in place of one that it has resumed.
bool stands_alone(const ControlBlock& coroutine) noexcept {
  return coroutine.state == CoroutineState::kParked || coroutine.state == CoroutineState::kReady ||
         coroutine.state == CoroutineState::kSuspended;
}

}  // namespace

std::size_t StackCatalog::number_of(const ControlBlock& coroutine) {
  const StackImage image = stands_alone(coroutine) ? image_of(coroutine) : StackImage{};
  if (image.bytes == nullptr) return unwind(coroutine, nullptr);
  const auto* as_stack_pointer = const_cast<std::byte*>(image.bytes);
  const Place place{saved_registers(const_cast<std::byte*>(as_stack_pointer)).instruction_pointer,
                    image.size};
  std::vector<Shape>& shapes = shapes_[place];
  for (const Shape& shape : shapes) {
    const bool equal = std::all_of(
        shape.returns.begin(), shape.returns.end(),
        [&](const Return& each) { return word_at(image, each.offset) == each.address; });
    if (equal) return shape.number;
  }
  std::vector<Return> returns;
  const std::size_t number = unwind(coroutine, &returns);
  if (!returns.empty()) shapes.push_back({std::move(returns), number});
  return number;
}

/// Also says where the return addresses lie if that is known of all of them, and empties `returns`
/// otherwise.
std::size_t StackCatalog::unwind(const ControlBlock& coroutine, std::vector<Return>* returns) {
  ++unwound_;
  Addresses addresses;
  bool all_known = returns != nullptr;
  for (const ControlBlock* each = &leaf_of(coroutine);; each = each->resumer) {
    const auto base = reinterpret_cast<std::uintptr_t>(each->stack_pointer);
    bool innermost = true;
    for (const StackAddress& address : capture_addresses(*each)) {
      addresses.push_back(address.instruction_pointer);
      if (returns != nullptr && !innermost) {
        all_known &= address.place >= base;
        returns->push_back({address.place - base, address.instruction_pointer});
      }
      innermost = false;
    }
    if (each == &coroutine) break;
  }
  if (returns != nullptr && !all_known) returns->clear();
  return number_of_addresses(std::move(addresses));
}

std::size_t StackCatalog::number_of_addresses(Addresses addresses) {
  const auto [place, is_new] = numbers_.try_emplace(std::move(addresses), stacks_.size());
  if (is_new) stacks_.push_back(&place->first);
  return place->second;
}

const StackFrame& StackCatalog::frame(std::uintptr_t instruction_pointer, bool innermost) {
  const auto known = frames_.find(instruction_pointer);
  if (known != frames_.end()) return known->second;
  return frames_.emplace(instruction_pointer, name_frame(instruction_pointer, innermost))
      .first->second;
}

Backtrace StackCatalog::backtrace(std::size_t number) {
  Backtrace backtrace;
  for (const std::uintptr_t each : *stacks_.at(number)) {
    backtrace.push_back(frame(each, backtrace.empty()));
  }
  return backtrace;
}

}  // namespace colibri
