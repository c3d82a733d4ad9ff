// select and pselect.
//
// The kernel overwrites the sets with its answer. So it is asked about copies, and the program's
// own are written when the call ends.
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "colibri/hook/counted_call.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/waiting_call.h"

namespace colibri {
namespace {

/// The three sets of a call, in the heap: they may be of any size.
class SelectSets {
 public:
  /// The program's sets of `count` descriptors; each may be null. errno is 0 afterwards, or says
  /// what is wrong (EFAULT, EINVAL, ENOMEM).
  SelectSets(int count, fd_set* read, fd_set* write, fd_set* except) noexcept
      : count_(no_more_than_possible(count)), theirs_{words(read), words(write), words(except)} {
    errno = count < 0 ? EINVAL : 0;
    if (count < 0) return;
    size_ = (static_cast<std::size_t>(count_) + kWordBits - 1) / kWordBits;
    memory_.reset(new (std::nothrow) Word[2 * kSets * size_ + 1]());
    if (memory_ == nullptr) errno = ENOMEM;
    for (std::size_t i = 0; i < kSets && errno == 0; ++i) {
      if (theirs_[i] != nullptr && !copy_in(i)) errno = EFAULT;
    }
  }

  /// Asks the kernel, without waiting.
  int look(const sigset_t* mask) noexcept {
    std::memcpy(found(0), wanted(0), kSets * size_ * sizeof(Word));
    constexpr timespec kAtOnce{};
    return real::pselect(count_, found_set(0), found_set(1), found_set(2), &kAtOnce, mask);
  }

  /// The same as poll's array, to wait for. Empty if there is no memory for it.
  std::unique_ptr<pollfd[]> interests(std::size_t& size) const noexcept {
    size = 0;
    std::unique_ptr<pollfd[]> list(new (std::nothrow) pollfd[bits_set() + 1]);
    constexpr short kEvents[kSets] = {POLLIN, POLLOUT, POLLPRI};
    for (int number = 0; list != nullptr && number < count_; ++number) {
      short events = 0;
      for (std::size_t i = 0; i < kSets; ++i) {
        if (wants(i, number)) events = static_cast<short>(events | kEvents[i]);
      }
      if (events != 0) list[size++] = {number, events, 0};
    }
    return list;
  }

  /// Shows the program what the kernel found at the last look; false: EFAULT.
  bool show() noexcept {
    bool shown = true;
    for (std::size_t i = 0; i < kSets && shown; ++i) {
      shown = theirs_[i] == nullptr || copy_out(i);
    }
    return shown;
  }

 private:
  using Word = unsigned long;  // as the kernel's
  static constexpr std::size_t kSets = 3;
  static constexpr std::size_t kWordBits = 8 * sizeof(Word);

  static Word* words(fd_set* set) noexcept { return reinterpret_cast<Word*>(set); }

  /// The kernel, too, takes no more than there can be.
  static int no_more_than_possible(int count) noexcept {
    rlimit limit{};
    if (count <= FD_SETSIZE || getrlimit(RLIMIT_NOFILE, &limit) != 0) return count;
    return static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(count), limit.rlim_cur));
  }

  bool copy_in(std::size_t set) noexcept {
    const std::size_t bytes = size_ * sizeof(Word);
    if (!is_close_by(theirs_[set], bytes)) {
      return read_program_memory(wanted(set), theirs_[set], bytes);
    }
    std::memcpy(wanted(set), theirs_[set], bytes);
    return true;
  }

  bool copy_out(std::size_t set) noexcept {
    const std::size_t bytes = size_ * sizeof(Word);
    if (!is_close_by(theirs_[set], bytes)) {
      return write_program_memory(theirs_[set], found(set), bytes);
    }
    std::memcpy(theirs_[set], found(set), bytes);
    return true;
  }

  Word* wanted(std::size_t set) const noexcept { return memory_.get() + set * size_; }
  Word* found(std::size_t set) const noexcept { return wanted(kSets + set); }
  fd_set* found_set(std::size_t set) const noexcept {
    return theirs_[set] != nullptr ? reinterpret_cast<fd_set*>(found(set)) : nullptr;
  }
  bool wants(std::size_t set, int number) const noexcept {
    const auto bit = static_cast<std::size_t>(number);
    return theirs_[set] != nullptr && (wanted(set)[bit / kWordBits] >> bit % kWordBits & 1) != 0;
  }
  std::size_t bits_set() const noexcept {
    std::size_t bits = 0;
    for (std::size_t i = 0; i < kSets; ++i) {
      for (std::size_t j = 0; theirs_[i] != nullptr && j < size_; ++j) {
        bits += static_cast<std::size_t>(__builtin_popcountl(wanted(i)[j]));
      }
    }
    return bits;
  }

  const int count_;
  Word* const theirs_[kSets];
  std::size_t size_ = 0;  // words a set
  std::unique_ptr<Word[]> memory_;
};

int hooked_select(int count, fd_set* read, fd_set* write, fd_set* except,
                  const Patience& patience) {
  const int saved_errno = errno;
  SelectSets sets(count, read, write, except);
  if (errno != 0) return pass_through([] { return -1; });
  errno = saved_errno;
  std::unique_ptr<pollfd[]> interests;
  std::size_t size = 0;
  const int ready = waiting_call(
      patience, [&](const sigset_t* mask) { return sets.look(mask); },
      [&](WaitLimits limits) {
        if (interests == nullptr) interests = sets.interests(size);
        return wait_any({interests.get(), size}, limits);
      },
      [] { return fail_with_errno(EBADF); });
  return ready >= 0 && !sets.show() ? fail_with_errno(EFAULT) : ready;
}

/// What is left of a time-out, as Linux writes it back.
timeval remaining_of(const Patience& patience) noexcept {
  const std::int64_t left =
      std::max<std::int64_t>(patience.deadline.nanoseconds() - monotonic_now(), 0);
  return {left / 1'000'000'000, left % 1'000'000'000 / 1'000};
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int select(int count, fd_set* read, fd_set* write, fd_set* except, timeval* timeout) {
  const bool valid = timeout == nullptr || (timeout->tv_sec >= 0 && timeout->tv_usec >= 0);
  if (parkable_coroutine() == nullptr || !valid) {
    return pass_through([&] { return real::select(count, read, write, except, timeout); });
  }
  if (timeout == nullptr) {
    return counted<"select">(&hooked_select, count, read, write, except, Patience{});
  }
  // Microseconds may exceed a second here.
  timespec span{0, timeout->tv_usec % 1'000'000 * 1'000};
  if (__builtin_add_overflow(timeout->tv_sec, timeout->tv_usec / 1'000'000, &span.tv_sec)) {
    span.tv_sec = std::numeric_limits<time_t>::max();
  }
  const Patience patience = Patience::of(&span, nullptr);
  const int result = counted<"select">(&hooked_select, count, read, write, except, patience);
  if (!patience.deadline.is_never()) *timeout = remaining_of(patience);
  return result;
}

int pselect(int count, fd_set* read, fd_set* write, fd_set* except, const timespec* timeout,
            const sigset_t* mask) {
  const bool valid = timeout == nullptr || is_valid_timeout(*timeout);
  if (parkable_coroutine() == nullptr || !valid) {
    return pass_through([&] { return real::pselect(count, read, write, except, timeout, mask); });
  }
  return counted<"pselect">(&hooked_select, count, read, write, except,
                            Patience::of(timeout, mask));
}

}  // extern "C"
