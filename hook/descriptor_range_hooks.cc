// close_range and closefrom, and what closes a descriptor inside libc: fclose, freopen, closedir.
//
// Descriptors of our own look closed to them, so the range is closed piece by piece around these.
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "colibri/core/internal_descriptor.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/stream.h"

namespace colibri {
namespace {

constinit RealFunction real_fclose{"fclose", ::fclose};
constinit RealFunction real_freopen{"freopen", ::freopen};
constinit RealFunction real_freopen64{"freopen64", ::freopen64};
constinit RealFunction real_closedir{"closedir", ::closedir};

constexpr unsigned kLargest = std::numeric_limits<int>::max();

/// Calls `act(number)` for all of the range that may be known here, but for our own.
template <class Act>
void for_each_known(unsigned first, unsigned last, Act act) noexcept {
  const unsigned end = descriptor_table::end_of_numbers();
  for (unsigned number = first; number < end && number <= last; ++number) {
    if (!is_internal_descriptor(static_cast<int>(number))) act(static_cast<int>(number));
  }
}

/// Closes the range but for what is ours. The result is that of the last piece.
int close_around_ours(unsigned first, unsigned last, int flags) noexcept {
  last = std::min(last, kLargest);
  int result = 0;
  while (first <= last) {
    const auto ours = static_cast<unsigned>(next_internal_descriptor(static_cast<int>(first)));
    const unsigned end = ours <= last && ours != kLargest ? ours : last + 1;
    if (first < end) result = real::close_range(first, end - 1, flags);
    first = end + 1;
  }
  return result;
}

/// False where the kernel does not know close_range, or a sandbox forbids it.
bool kernel_closes_ranges() noexcept {
  return real::close_range(kLargest, kLargest, 0) == 0;
}

int close_known_range(unsigned first, unsigned last, int flags) noexcept {
  for_each_known(first, last, &descriptor_table::closing);
  const int result = close_around_ours(first, last, flags);
  for_each_known(first, last, &descriptor_table::closed);
  return result;
}

/// `act()` closes `number` inside libc; -1: none.
template <class Act>
auto close_inside(int number, Act act) {
  if (number >= 0) descriptor_table::closing(number);
  const auto result = act();
  if (number >= 0) descriptor_table::closed(number);
  return result;
}

/// -1 if the stream has none; keeps errno.
int number_of(FILE* stream) noexcept {
  const int saved_errno = errno;
  const int number = fileno_unlocked(stream);
  errno = saved_errno;
  return number;
}

/// freopen and freopen64: `act()` is libc's.
template <class Act>
FILE* reopen(FILE* stream, Act act) {
  const auto close_old = [&] { return close_inside(number_of(stream), act); };
  FILE* result = nullptr;
  if (Stream* ours = Stream::find(stream)) {
    // While its descriptor is known yet: what is left to write may park.
    fflush(stream);
    result = ours->give_back(close_old);
  } else {
    result = close_old();
  }
  if (result != nullptr) descriptor_table::closing(number_of(result));
  return result;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int close_range(unsigned first, unsigned last, int flags) noexcept {
  constexpr int kUnshare = CLOSE_RANGE_UNSHARE;
  const bool closes = (flags & ~kUnshare) == 0 && first <= last && first <= kLargest;
  if (!closes || descriptor_table::is_of_another_process() || !kernel_closes_ranges()) {
    return pass_through([&] { return real::close_range(first, last, flags); });
  }
  return close_known_range(first, last, flags);
}

void closefrom(int lowest) noexcept {
  const int saved_errno = errno;
  const auto first = static_cast<unsigned>(std::max(lowest, 0));
  rlimit limit{};
  if (descriptor_table::is_of_another_process()) {
    close_around_ours(first, kLargest, 0);
  } else if (kernel_closes_ranges()) {
    close_known_range(first, kLargest, 0);
  } else if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    for (rlim_t each = first; each < limit.rlim_cur; ++each) close(static_cast<int>(each));
  }
  errno = saved_errno;
}

int fclose(FILE* stream) {
  if (Stream* ours = Stream::find(stream)) return ours->close();
  return close_inside(number_of(stream), [&] { return real_fclose(stream); });
}

FILE* freopen(const char* path, const char* mode, FILE* stream) {
  return reopen(stream, [&] { return real_freopen(path, mode, stream); });
}

FILE* freopen64(const char* path, const char* mode, FILE* stream) {
  return reopen(stream, [&] { return real_freopen64(path, mode, stream); });
}

int closedir(DIR* folder) {
  // libc takes null, too, but its declaration lets compilers think otherwise.
  DIR* volatile perhaps = folder;
  DIR* const given = perhaps;
  return close_inside(given != nullptr ? dirfd(given) : -1, [&] { return real_closedir(given); });
}

}  // extern "C"
