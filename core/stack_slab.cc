#include "colibri/core/stack_slab.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>

#include "colibri/core/sanitizer.h"
#include "colibri/core/stack_limits.h"

namespace colibri {
namespace {

constexpr std::size_t kBitsPerWord = 64;

bool is_set(const std::vector<std::uint64_t>& bits, std::size_t index) noexcept {
  return (bits[index / kBitsPerWord] >> (index % kBitsPerWord) & 1) != 0;
}

void set(std::vector<std::uint64_t>& bits, std::size_t index) noexcept {
  bits[index / kBitsPerWord] |= std::uint64_t{1} << (index % kBitsPerWord);
}

void clear(std::vector<std::uint64_t>& bits, std::size_t index) noexcept {
  bits[index / kBitsPerWord] &= ~(std::uint64_t{1} << (index % kBitsPerWord));
}

std::byte* reserve(std::size_t bytes) noexcept {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  // A huge page would make two megabytes resident for one touched byte.
  madvise(base, bytes, MADV_NOHUGEPAGE);
  return static_cast<std::byte*>(base);
}

}  // namespace

StackSlab::StackSlab(std::uint32_t size_class, std::uint32_t number, std::size_t count,
                     std::size_t first_colour)
    : size_class_(size_class), number_(number), count_(count), first_colour_(first_colour) {
  const std::size_t words = (count + kBitsPerWord - 1) / kBitsPerWord;
  idle_bits_.resize(words);
  newly_idle_bits_.resize(words);
  if (registers_stacks()) [[unlikely]]
    registrations_.reserve(count);
  while ((base_ = reserve(bytes())) == nullptr) {
    if (count_ == 1) throw_no_address_space(errno, bytes());
    count_ /= 2;
  }
}

StackSlab::~StackSlab() {
  for (std::size_t i = 0; i < registrations_.size(); ++i) {
    unregister_stack(span(i) + kGuardBytes, span_bytes(size_class_) - kGuardBytes,
                     registrations_[i]);
  }
  // Coroutines end without returning: whoever gets these addresses next must not be refused what
  // was around their frames.
  renew_stack(base_, bytes());
  munmap(base_, bytes());
  forget_guards(mprotect_guards_);
}

PrivateStack* StackSlab::take() {
  if (idle_ != 0) return make(take_idle());
  if (cut_ == count_) return nullptr;
  install_guard(span(cut_), guard_);
  if (guard_ == GuardKind::kMprotect) ++mprotect_guards_;
  if (registers_stacks()) [[unlikely]] {
    registrations_.push_back(
        register_stack(span(cut_) + kGuardBytes, span_bytes(size_class_) - kGuardBytes));
  }
  return make(cut_++);
}

std::size_t StackSlab::take_idle() noexcept {
  while (idle_bits_[first_idle_word_] == 0) ++first_idle_word_;
  const auto bit = static_cast<std::size_t>(std::countr_zero(idle_bits_[first_idle_word_]));
  const std::size_t index = first_idle_word_ * kBitsPerWord + bit;
  clear(idle_bits_, index);
  --idle_;
  return index;
}

/// Where the PrivateStack lies.
std::byte* StackSlab::place(std::size_t index) const noexcept {
  static_assert(sizeof(PrivateStack) <= kColourBytes);
  const std::size_t colour = (first_colour_ + index) % kColours;
  return span(index + 1) - (colour + 1) * kColourBytes;
}

PrivateStack* StackSlab::make(std::size_t index) noexcept {
  auto* stack = new (place(index)) PrivateStack;
  stack->low = span(index) + kGuardBytes;
  stack->size_class = size_class_;
  stack->slab = number_;
  return stack;
}

PrivateStack* StackSlab::owner_of(const void* address) const noexcept {
  const auto* byte = static_cast<const std::byte*>(address);
  if (byte < base_ || byte >= base_ + bytes()) return nullptr;
  const std::size_t index = static_cast<std::size_t>(byte - base_) / span_bytes(size_class_);
  if (index >= cut_ || is_set(idle_bits_, index)) return nullptr;
  return std::launder(reinterpret_cast<PrivateStack*>(place(index)));
}

PrivateStack* StackSlab::next_made(std::size_t& index) const noexcept {
  while (index < cut_ && is_set(idle_bits_, index)) ++index;
  if (index >= cut_) {
    index = 0;
    return nullptr;
  }
  return std::launder(reinterpret_cast<PrivateStack*>(place(index++)));
}

PrivateStack* StackSlab::owner_of_guard(const void* address) const noexcept {
  PrivateStack* owner = owner_of(address);
  return owner != nullptr && address < owner->low ? owner : nullptr;
}

void StackSlab::set_idle(PrivateStack& stack) noexcept {
  const auto offset = static_cast<std::size_t>(stack.low - base_);
  const std::size_t index = offset / span_bytes(size_class_);
  set(idle_bits_, index);
  set(newly_idle_bits_, index);
  ++idle_;
  first_idle_word_ = std::min(first_idle_word_, index / kBitsPerWord);
  first_new_word_ = std::min(first_new_word_, index / kBitsPerWord);
}

void StackSlab::give_back() noexcept {
  for (std::size_t i = first_new_word_ * kBitsPerWord; i < cut_;) {
    if (newly_idle_bits_[i / kBitsPerWord] == 0) {
      i = (i / kBitsPerWord + 1) * kBitsPerWord;
      continue;
    }
    if (!is_set(newly_idle_bits_, i)) {
      ++i;
      continue;
    }
    const std::size_t first = i;
    for (; i < cut_ && is_set(idle_bits_, i); ++i) clear(newly_idle_bits_, i);
    // Guards keep through this. Fails where memory is locked: then it stays, as its owner wished.
    std::byte* const low = span(first) + kGuardBytes;
    madvise(low, static_cast<std::size_t>(span(i) - low), MADV_DONTNEED);
  }
  first_new_word_ = newly_idle_bits_.size();
}

}  // namespace colibri
