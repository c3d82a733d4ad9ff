#include "colibri/core/inspect/stack_catalog.h"

#include <algorithm>
#include <string>

#include "colibri/core/inspect/stack_image.h"

namespace colibri {
namespace {

bool is_of_switch(const std::string& function) noexcept {
  for (const char* part : {"colibri::Scheduler::", "colibri::SharedStacks::", "colibri::switch_",
                           "colibri_context_switch"}) {
    if (function.find(part) != std::string::npos) return true;
  }
  return false;
}

/// True for one that stands still by itself, and not in place of one that it has resumed.
bool stands_alone(const ControlBlock& coroutine) noexcept {
  return coroutine.state == CoroutineState::kParked || coroutine.state == CoroutineState::kReady ||
         coroutine.state == CoroutineState::kSuspended;
}

}  // namespace

std::size_t StackCatalog::number_of(const ControlBlock& coroutine) {
  const StackImage image = stands_alone(coroutine) ? StackImage::of(coroutine) : StackImage();
  if (image.empty()) return unwind(coroutine, nullptr);
  std::vector<Shape>& shapes = shapes_[Place{image.instruction_pointer(), image.size()}];
  for (const Shape& shape : shapes) {
    const bool equal =
        std::all_of(shape.returns.begin(), shape.returns.end(),
                    [&](const Return& each) { return image.word_at(each.offset) == each.address; });
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
  return number_of_addresses(addresses);
}

std::size_t StackCatalog::number_of_addresses(const Addresses& addresses) {
  std::size_t first = 0;
  while (first < addresses.size() && is_of_switch(frame(addresses[first], first == 0).function)) {
    ++first;
  }
  Addresses key(addresses.begin() + static_cast<std::ptrdiff_t>(first), addresses.end());
  if (key.empty()) key = addresses;
  const Addresses shown = key;
  if (!key.empty()) key.front() -= frame(key.front(), first == 0).offset;
  const auto [place, is_new] = numbers_.try_emplace(std::move(key), stacks_.size());
  if (is_new) stacks_.push_back(shown);
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
  for (const std::uintptr_t each : stacks_.at(number)) {
    backtrace.push_back(frame(each, backtrace.empty()));
  }
  return backtrace;
}

}  // namespace colibri
