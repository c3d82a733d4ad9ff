// Memory at addresses that the program passed to a call and that may be bad: the kernel says EFAULT
// for them, and the hooks must not crash instead. Each function is a system call, so hooks let the
// call itself find bad pointers wherever it reads them first.
#pragma once

#include <sys/uio.h>

#include <cstddef>

namespace colibri {

/// Copies `size` bytes from the program's `from`. False if they cannot be read. Keeps errno. Any
/// thread.
bool read_program_memory(void* to, const void* from, std::size_t size) noexcept;

/// The same in the other direction.
bool write_program_memory(void* to, const void* from, std::size_t size) noexcept;

/// As read_program_memory, but free for what lies in the caller's own page of the stack, as short
/// arguments mostly do.
template <class Object>
[[gnu::always_inline]] inline bool read_argument(Object& to, const Object* from) noexcept {
  const auto address = reinterpret_cast<std::size_t>(from);
  const auto frame = reinterpret_cast<std::size_t>(__builtin_frame_address(0));
  constexpr std::size_t kPage = 4096;
  if (address > frame && address + sizeof(Object) <= (frame | (kPage - 1))) {
    to = *from;
    return true;
  }
  return read_program_memory(&to, from, sizeof(Object));
}

/// The bytes in all of the program's `buffers` together. False for an array that the kernel would
/// refuse (EFAULT, EINVAL, EMSGSIZE).
bool sum_program_buffers(const iovec* buffers, std::size_t count, std::size_t& total) noexcept;

}  // namespace colibri
