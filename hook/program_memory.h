// Memory at addresses that the program passed to a call and that may be bad: the kernel says EFAULT
// for them, and the hooks must not crash instead. Each function is a system call, so hooks let the
// call itself find bad pointers wherever it reads them first.
#pragma once

#include <sys/uio.h>

#include <cstddef>

#include "colibri/core/stack_of.h"

namespace colibri {

/// Copies `size` bytes from the program's `from`. False if they cannot be read. Keeps errno. Any
/// thread.
bool read_program_memory(void* to, const void* from, std::size_t size) noexcept;

/// The same in the other direction.
bool write_program_memory(void* to, const void* from, std::size_t size) noexcept;

/// True for what lies in the caller's own page of the stack, as short arguments mostly do: that can
/// be accessed without asking.
[[gnu::always_inline]] inline bool is_close_by(const void* address, std::size_t size) noexcept {
  const auto begin = reinterpret_cast<std::size_t>(address);
  const auto frame = reinterpret_cast<std::size_t>(__builtin_frame_address(0));
  constexpr std::size_t kPage = 4096;
  return begin > frame && begin + size <= (frame | (kPage - 1));
}

/// As read_program_memory, but free for what is close by.
template <class Object>
[[gnu::always_inline]] inline bool read_argument(Object& to, const Object* from) noexcept {
  if (!is_close_by(from, sizeof(Object))) return read_program_memory(&to, from, sizeof(Object));
  to = *from;
  return true;
}

/// The bytes in all of the program's `buffers` together. False for an array that the kernel would
/// refuse (EFAULT, EINVAL, EMSGSIZE).
bool sum_program_buffers(const iovec* buffers, std::size_t count, std::size_t& total) noexcept;

}  // namespace colibri
