// What moves, allocates or writes back ranges of files, or whole file systems: copy_file_range,
// fallocate, posix_fallocate, sync_file_range, syncfs, sync. All end by themselves, and go to a
// helper thread.
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <new>

#include "colibri/hook/file_call.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

constinit RealFunction real_copy_file_range{"copy_file_range", ::copy_file_range};
constinit RealFunction real_fallocate{"fallocate64", ::fallocate64};
constinit RealFunction real_posix_fallocate{"posix_fallocate64", ::posix_fallocate64};
constinit RealFunction real_sync_file_range{"sync_file_range", ::sync_file_range};
constinit RealFunction real_syncfs{"syncfs", ::syncfs};
constinit RealFunction real_sync{"sync", ::sync};

/// `call()` on a helper for a file in a coroutine, else here. It must not refer to the stack.
template <class Call>
int call_for_file(int number, Call call) {
  if (!is_file_that_may_wait(number)) return pass_through(call);
  if (!may_begin()) return -1;
  return static_cast<int>(write_on_file_helper(number, call, call));
}

/// copy_file_range with offsets of its own, in the heap, where a helper can move them on.
struct RangeCopy {
  off64_t* source_offset() noexcept { return has_source ? &source : nullptr; }
  off64_t* target_offset() noexcept { return has_target ? &target : nullptr; }

  bool has_source = false;
  bool has_target = false;
  off64_t source = 0;
  off64_t target = 0;
};

/// Takes the program's offsets; null if they are bad, or for want of memory.
std::unique_ptr<RangeCopy> range_copy(const off64_t* source, const off64_t* target) noexcept {
  std::unique_ptr<RangeCopy> copy(new (std::nothrow) RangeCopy);
  if (copy == nullptr) return nullptr;
  copy->has_source = source != nullptr;
  copy->has_target = target != nullptr;
  const bool good = (source == nullptr || read_argument(copy->source, source)) &&
                    (target == nullptr || read_argument(copy->target, target));
  return good ? std::move(copy) : nullptr;
}

/// Gives the program an offset that has been moved on. False for a bad address.
bool tell(off64_t* program, const off64_t& offset) noexcept {
  return program == nullptr || write_program_memory(program, &offset, sizeof offset);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size,
                        unsigned flags) {
  const auto plain = [&] {
    return real_copy_file_range(from, from_offset, to, to_offset, size, flags);
  };
  if (!is_file_that_may_wait(from) || !is_file_that_may_wait(to)) return pass_through(plain);
  const std::unique_ptr<RangeCopy> copy = range_copy(from_offset, to_offset);
  if (copy == nullptr) return pass_through(plain);
  if (!may_begin()) return -1;
  const auto copy_ranges = unless_closed(to, [=, ranges = copy.get()] {
    return real_copy_file_range(from, ranges->source_offset(), to, ranges->target_offset(), size,
                                flags);
  });
  const ssize_t moved = write_on_file_helper(from, copy_ranges, copy_ranges);
  if (moved <= 0) return moved;
  const bool told = tell(from_offset, copy->source) && tell(to_offset, copy->target);
  return told ? moved : fail_with_errno(EFAULT);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  return call_for_file(fd, [=] { return real_fallocate(fd, mode, offset, size); });
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
  return fallocate64(fd, mode, offset, size);
}

/// Returns the error, and leaves errno alone.
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  const int saved_errno = errno;
  const int result = call_for_file(fd, [=] {
    const int error = real_posix_fallocate(fd, offset, size);
    return error == 0 ? 0 : fail_with_errno(error);
  });
  const int error = result == 0 ? 0 : errno;
  errno = saved_errno;
  return error;
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  return posix_fallocate64(fd, offset, size);
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  return call_for_file(fd, [=] { return real_sync_file_range(fd, offset, size, flags); });
}

int syncfs(int fd) noexcept {
  return call_for_file(fd, [=] { return real_syncfs(fd); });
}

void sync() noexcept {
  if (parkable_coroutine() == nullptr) return real_sync();
  on_helper(HelperSet::kFiles, [] {
    real_sync();
    return 0;
  });
}

}  // extern "C"
