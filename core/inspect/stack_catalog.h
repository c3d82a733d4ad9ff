// Which coroutines stand at the same place: stacks by number, the same number for equal ones.
//
// Unwinding takes microseconds a frame, and finding names far more. But of a hundred thousand
// parked coroutines most stand at a few places. So what unwinding has found once is kept as a
// shape: how far below its top a coroutine stands, and where between the two which return address
// lies. Another coroutine that stands at the same instruction, as far below its top, with all those
// addresses in the same places, is called by the same functions, and is recognised by comparing
// these words alone. That needs no stack to be where it belongs: the saved bytes of a coroutine on
// a shared stack will do.
//
// The way out of a coroutine has several exits, by what runs next. So the frames of the switch
// itself are left out, and of the innermost frame left the function alone counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "colibri/core/backtrace.h"
#include "colibri/core/control_block.h"

namespace colibri {

/// Belongs to one thread, and is for its coroutines.
class StackCatalog {
 public:
  /// The number of the stack of `coroutine` and of those that it resumed by hand: from 0 on. Throws
  /// std::bad_alloc.
  std::size_t number_of(const ControlBlock& coroutine);

  /// How many stacks there are.
  std::size_t size() const noexcept { return stacks_.size(); }

  /// The stack with that number, innermost frame first. Throws std::bad_alloc.
  Backtrace backtrace(std::size_t number);

  /// How often number_of had to unwind; for tests.
  std::size_t unwound() const noexcept { return unwound_; }

 private:
  using Addresses = std::vector<std::uintptr_t>;
  /// A return address, and where it lies above the stack pointer.
  struct Return {
    std::size_t offset;
    std::uintptr_t address;
  };
  struct Shape {
    std::vector<Return> returns;
    std::size_t number;
  };
  /// Instruction and depth. Shapes of one place differ in who calls.
  using Place = std::pair<std::uintptr_t, std::size_t>;

  std::size_t number_of_addresses(const Addresses& addresses);
  std::size_t unwind(const ControlBlock& coroutine, std::vector<Return>* returns);
  const StackFrame& frame(std::uintptr_t instruction_pointer, bool innermost);

  std::map<Addresses, std::size_t> numbers_;  // each with the function in place of the first
  std::vector<Addresses> stacks_;
  std::map<Place, std::vector<Shape>> shapes_;
  std::unordered_map<std::uintptr_t, StackFrame> frames_;
  std::size_t unwound_ = 0;
};

}  // namespace colibri
