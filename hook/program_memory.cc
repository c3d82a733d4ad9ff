#include "colibri/hook/program_memory.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "colibri/core/sanitizer.h"

namespace colibri {
namespace {

using Copy = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long,
                         unsigned long);

/// `copy` goes between this process and itself, but fails where an access of ours would crash.
/// Where it is forbidden (seccomp), the pointer has to be trusted.
bool copy_carefully(Copy copy, void* ours, const void* theirs, std::size_t size) noexcept {
  const int saved_errno = errno;
  const iovec local{ours, size};
  const iovec remote{const_cast<void*>(theirs), size};
  const ssize_t copied = copy(getpid(), &local, 1, &remote, 1, 0);
  const int error = errno;
  errno = saved_errno;
  if (copied >= 0 || error == EFAULT) return copied == static_cast<ssize_t>(size);
  const bool reads = copy == &process_vm_readv;
  __builtin_memcpy(reads ? ours : const_cast<void*>(theirs), reads ? theirs : ours, size);
  return true;
}

}  // namespace

bool read_program_memory(void* to, const void* from, std::size_t size) noexcept {
  return copy_carefully(&process_vm_readv, to, from, size);
}

bool write_program_memory(void* to, const void* from, std::size_t size) noexcept {
  if (!copy_carefully(&process_vm_writev, const_cast<void*>(from), to, size)) return false;
  note_written(to, size);
  return true;
}

bool sum_program_buffers(const iovec* buffers, std::size_t count, std::size_t& total) noexcept {
  if (count > IOV_MAX) return false;
  total = 0;
  iovec some[32];
  while (count != 0) {
    const std::size_t now = std::min(count, std::size(some));
    if (!read_program_memory(some, buffers, now * sizeof(iovec))) return false;
    for (std::size_t i = 0; i < now; ++i) total += some[i].iov_len;
    buffers += now;
    count -= now;
  }
  return total <= SSIZE_MAX;
}

}  // namespace colibri
