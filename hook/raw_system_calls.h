// System calls that code makes by itself, past libc and so past the hooks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace colibri::hook {

/// The numbers of those that may block and that `code` seems to make: an instruction that loads the
/// number, and shortly after it the one that enters the kernel. Sorted, each once.
std::vector<int> find_raw_system_calls(std::span<const std::uint8_t> code);

/// "read", "futex".
const char* name_of_system_call(int number) noexcept;

}  // namespace colibri::hook
