// Stacks of coroutines, by libunwind: of the one that runs and of parked ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "colibri/core/control_block.h"

namespace colibri {

/// One frame. `function` is demangled; empty when no symbol is known.
struct StackFrame {
  std::uintptr_t instruction_pointer = 0;  // where it goes on
  std::string function;                    // demangled
  std::uintptr_t offset = 0;               // into the function
};

/// Innermost frame first.
using Backtrace = std::vector<StackFrame>;

/// The calling flow's stack, innermost frame first: up to the coroutine's entry, or to the
/// thread's start outside a coroutine.
Backtrace capture_backtrace();

/// The stack of a coroutine that does not run. Only on its own thread.
Backtrace capture_backtrace(const ControlBlock& coroutine);

/// A stack without names.
struct StackAddress {
  std::uintptr_t instruction_pointer = 0;  // where it goes on
  /// Where on the stack it was found, while that lies where it belongs; 0: elsewhere, as that of
  /// the innermost frame, or not known.
  std::uintptr_t place = 0;
};
/// Innermost frame first.
using StackAddresses = std::vector<StackAddress>;

/// As capture_backtrace of a coroutine that does not run, for some microseconds a frame.
StackAddresses capture_addresses(const ControlBlock& coroutine);

/// The frame with that address. Reads the program's file: to be asked once for each. `innermost`:
/// the code there is about to run; otherwise a call before it has not returned yet. Any thread.
StackFrame name_frame(std::uintptr_t instruction_pointer, bool innermost);

/// A frame a line: "  #0 0x55… function+0x12".
std::string to_string(const Backtrace& backtrace);

}  // namespace colibri
