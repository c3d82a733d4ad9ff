// Why there is no memory for another stack: the errors name the limit and what to set.
#pragma once

#include <cstddef>

namespace colibri {

/// Mappings that a process may have (vm.max_map_count).
std::size_t mapping_limit() noexcept;

/// Reserving `bytes` of address space failed with `error`.
[[noreturn]] void throw_no_address_space(int error, std::size_t bytes);

/// mprotect failed with `error`, or would take mappings that the rest of the process needs;
/// `guards` are installed.
[[noreturn]] void throw_no_guard(int error, std::size_t guards);

/// Somebody insists on guard markers, which the kernel refused with `error`.
[[noreturn]] void throw_no_markers(int error);

}  // namespace colibri
