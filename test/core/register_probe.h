// A look at the callee-saved registers over a switch, from below C++.
#pragma once

#include <cstddef>
#include <cstdint>

#include "colibri/core/context.h"

namespace colibri::test {

using SwitchFunction = void (*)(StackPointer* save, StackPointer target) noexcept;

extern "C" {

/// How many callee-saved registers this architecture has; the length of `values` below.
extern const std::size_t probed_register_count;

/// Loads `values` into all callee-saved registers and calls `function(save, target)`. False if a
/// register holds something else when somebody has switched back.
bool probe_registers(const std::uint64_t* values, StackPointer* save, StackPointer target,
                     SwitchFunction function);
}

}  // namespace colibri::test
