#include "colibri/core/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <system_error>

#include "colibri/core/clock.h"
#include "colibri/core/libc.h"
#include "colibri/core/ring_engine.h"
#include "colibri/core/unpark.h"

namespace colibri {
namespace {

constexpr std::uint32_t kReadInterest = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;
constexpr std::uint32_t kInterest = kReadInterest | EPOLLOUT;
constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t kWriteEvents = EPOLLOUT | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t kDistrustEvents = EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
constexpr std::uint64_t kWakeTag = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;

}  // namespace

EventLoop::EventLoop(Engine engine) : engine_(engine) {
  open();
  enter_list();
}

EventLoop::~EventLoop() {
  leave_list();
  ring_.reset();  // which looks at the states of those that receive ahead
  states_.clear();
}

void EventLoop::open() {
  ++generation_;
  epoll_.adopt(real::epoll_create1(EPOLL_CLOEXEC), "colibri: epoll_create1 failed");
  wake_.adopt(real::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "colibri: eventfd failed");
  // Looked up here, since a signal handler may be the first to write.
  real::write.get();
  // Edge-triggered: each write is an edge of its own, so the counter never has to be read.
  watch(wake_, EPOLLIN | EPOLLET);
  if (has_alarm_) open_alarm();
  if (ring_ != nullptr) {
    ring_->watch_epoll();
  } else if (engine_ == Engine::kIoUring) {
    open_ring();
  }
}

void EventLoop::open_ring() {
  try {
    ring_ = std::make_unique<RingEngine>(epoll_);
  } catch (const std::system_error& error) {
    log_refused_once(error.what());
  }
}

/// Nobody waits for `descriptor` in particular: it ends waits.
void EventLoop::watch(const InternalDescriptor& descriptor, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = kWakeTag;
  if (real::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor.number(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "colibri: epoll_ctl failed; look at fs.epoll.max_user_watches");
  }
}

void EventLoop::open_alarm() {
  alarm_.adopt(real::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
               "colibri: timerfd_create failed");
  alarm_time_ = kNoAlarm;
  // Level-triggered, and never read: setting it anew is what takes the event away.
  watch(alarm_, EPOLLIN);
}

int EventLoop::duplicate() const noexcept {
  return real::fcntl(epoll_.number(), F_DUPFD_CLOEXEC, 0);
}

void EventLoop::make_alarm() {
  open_alarm();
  has_alarm_ = true;
}

void EventLoop::set_alarm(std::int64_t when) noexcept {
  // One that has gone off stays on until it is set anew.
  if (when == alarm_time_ && (when == kNoAlarm || when > monotonic_now())) return;
  alarm_time_ = when;
  itimerspec time{};
  if (when != kNoAlarm) {
    // All zero would switch it off.
    when = std::max<std::int64_t>(when, 1);
    time.it_value.tv_sec = when / 1'000'000'000;
    time.it_value.tv_nsec = when % 1'000'000'000;
  }
  timerfd_settime(alarm_.number(), TFD_TIMER_ABSTIME, &time, nullptr);
}

void EventLoop::close_all() noexcept {
  epoll_.reset();
  wake_.reset();
  alarm_.reset();
}

bool EventLoop::try_open() noexcept {
  try {
    open();
    return true;
  } catch (...) {
    // Half a loop would wait, and never hear of other threads.
    epoll_.reset();
    return false;
  }
}

bool EventLoop::add(int descriptor, DescriptorState& state) noexcept {
  epoll_event event{};
  event.events = state.reads_only ? kReadInterest : kInterest;
  event.data.u64 = tag_of(state);
  if (real::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event) == 0) return true;
  // Registered, but not by this generation: the number was closed behind our back while a copy of
  // the descriptor lives, and has come round to the same description.
  return errno == EEXIST &&
         real::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, descriptor, &event) == 0;
}

DescriptorState* EventLoop::attach_slowly(int descriptor, bool reads_only) noexcept {
  if (descriptor < 0) {
    errno = EBADF;
    return nullptr;
  }
  DescriptorState* state = states_.find_or_create(descriptor);
  if (state == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  // Another thread may have closed the last generation, and its notice is still on its way here.
  wake_waiters(*state);
  ++state->generation;
  // What is ready already comes as a first edge.
  state->read_drained = state->write_drained = state->hung_up = false;
  state->reads_only = reads_only;
  if (!register_anew(descriptor, *state)) {
    state->registered.store(false);
    return nullptr;
  }
  // Whoever takes it back from now on has the registration behind him. If somebody has done so
  // already, a sweep follows.
  bool registered = true;
  state->registered.compare_exchange_strong(registered, true);
  return state;
}

void EventLoop::watch_writes(int descriptor) noexcept {
  DescriptorState* state = states_.find(descriptor);
  if (state == nullptr || !state->registered.load() || !state->reads_only) return;
  state->reads_only = false;
  const int saved_errno = errno;
  epoll_event event{};
  event.events = kInterest;
  event.data.u64 = tag_of(*state);
  if (real::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, descriptor, &event) != 0) {
    // Closed on another thread, or the epoll set was: whoever waits next registers it anew.
    state->registered.store(false);
  }
  errno = saved_errno;
}

bool EventLoop::register_anew(int descriptor, DescriptorState& state) noexcept {
  // Before the kernel is asked: if it still knows the descriptor, a close on another thread is yet
  // to come, and sees this afterwards.
  state.registered.store(true);
  if (add(descriptor, state)) return true;
  // EBADF may also mean that our own epoll descriptor was closed behind our back.
  if (errno != EBADF || real::fcntl(epoll_.number(), F_GETFD) >= 0) return false;
  rebuild();
  state.registered.store(true);
  return add(descriptor, state);
}

void EventLoop::detach(int descriptor) noexcept {
  DescriptorState* state = states_.find(descriptor);
  if (state == nullptr) return;
  if (state->registered.exchange(false)) {
    // Before the close: while a duplicate lives, the kernel would go on sending events, and the
    // registration could no longer be named.
    real::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr);
  }
  if (state->operated.exchange(false)) ring_->release(*state, WakeReason::kClosed);
  state->read_drained = state->write_drained = state->hung_up = state->expects_empty = false;
  ++state->generation;
  unpark_all(state->readers, WakeReason::kClosed);
  unpark_all(state->writers, WakeReason::kClosed);
}

/// Those who wait on what is not registered any more.
void EventLoop::wake_waiters(DescriptorState& state) noexcept {
  const bool look_again = state.look_again.exchange(false);
  const WakeReason reason = look_again ? WakeReason::kFired : WakeReason::kClosed;
  unpark_all(state.readers, reason);
  unpark_all(state.writers, reason);
  if (ring_ != nullptr && !state.operated.load()) ring_->release(state, reason);
}

void EventLoop::sweep() noexcept {
  if (!sweep_needed_.exchange(false)) return;
  states_.for_each([this](int, DescriptorState& state) {
    if (!state.registered.load(std::memory_order_acquire)) wake_waiters(state);
  });
}

void EventLoop::dispatch(std::uint64_t tag, std::uint32_t events) noexcept {
  if (tag == kWakeTag) return;
  DescriptorState* state = state_of(tag);
  if (tag_of(*state) != tag) return;
  if ((events & kDistrustEvents) != 0) state->hung_up = true;
  // Everybody who waits is woken: one who finds nothing left parks again, and nobody is forgotten.
  if ((events & kReadEvents) != 0) {
    state->read_drained = false;
    unpark_all(state->readers, WakeReason::kFired);
  }
  if ((events & kWriteEvents) != 0) {
    state->write_drained = false;
    unpark_all(state->writers, WakeReason::kFired);
  }
}

// With a thousand connections hardly anything of one is in the cache when its event comes. What the
// next events need is fetched while this one is handled: first the descriptor's state, and when
// that is here, the coroutine that waits.
void EventLoop::dispatch_all(const epoll_event* events, int count) noexcept {
  constexpr int kStateAhead = 8;
  constexpr int kWaiterAhead = 4;
  for (int i = 0; i < count; ++i) {
    if (i + kStateAhead < count) __builtin_prefetch(state_of(events[i + kStateAhead].data.u64));
    if (i + kWaiterAhead < count && events[i + kWaiterAhead].data.u64 != kWakeTag) {
      if (const WaitNode* node = state_of(events[i + kWaiterAhead].data.u64)->readers.first()) {
        __builtin_prefetch(node);
        __builtin_prefetch(&coroutine_of(*node));
      }
    }
    dispatch(events[i].data.u64, events[i].events);
  }
}

int EventLoop::call_epoll_wait(epoll_event* events, int capacity, std::int64_t timeout) noexcept {
  const int epoll = epoll_.number();
  if (timeout <= 0) return real::epoll_wait(epoll, events, capacity, timeout < 0 ? -1 : 0);
  if (precise_wait_) {
    timespec time{};
    time.tv_sec = timeout / 1'000'000'000;
    time.tv_nsec = timeout % 1'000'000'000;
    const int count = real::epoll_pwait2(epoll, events, capacity, &time, nullptr);
    // Sandboxes that do not know the call forbid it.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    precise_wait_ = false;
  }
  const std::int64_t milliseconds =
      (timeout + kNanosecondsPerMillisecond - 1) / kNanosecondsPerMillisecond;
  return real::epoll_wait(
      epoll, events, capacity,
      static_cast<int>(std::min<std::int64_t>(milliseconds, std::numeric_limits<int>::max())));
}

/// False: the epoll set has nothing to tell. Otherwise it is to be asked, without waiting.
bool EventLoop::wait_for_ring(std::int64_t& timeout) noexcept {
  if (!ring_->wait(timeout)) {
    if (sweep_needed_.load(std::memory_order_relaxed)) [[unlikely]]
      sweep();
    return false;
  }
  timeout = 0;
  return true;
}

void EventLoop::wait(std::int64_t timeout) noexcept {
  constexpr int kCapacity = 512;
  if (ring_ != nullptr && !wait_for_ring(timeout)) return;
  epoll_event events[kCapacity];
  const int count = call_epoll_wait(events, kCapacity, timeout);
  dispatch_all(events, count);
  if (count == kCapacity && ring_ != nullptr) ring_->look_again();
  if (sweep_needed_.load(std::memory_order_relaxed)) [[unlikely]]
    sweep();
  if (count < 0 && errno != EINTR) rebuild();
}

void EventLoop::wake() noexcept {
  const int saved_errno = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = real::write(wake_.number(), &one, sizeof one);
  errno = saved_errno;
}

// The epoll descriptor is gone: the program closed it by a raw system call. Everybody who waits is
// woken to try again, and registers anew.
void EventLoop::rebuild() noexcept {
  close_all();
  if (!try_open()) return;  // no descriptor free now: the next wait fails and comes back here
  states_.for_each([](int, DescriptorState& state) {
    state.registered.store(false, std::memory_order_relaxed);
    state.read_drained = state.write_drained = false;
    unpark_all(state.readers, WakeReason::kFired);
    unpark_all(state.writers, WakeReason::kFired);
  });
}

void EventLoop::restart_in_child() noexcept {
  // Closing the child's copies leaves the parent's set as it is; removing entries would not.
  if (ring_ != nullptr) ring_->forget_all();
  ring_.reset();
  close_all();
  states_.forget_all();
  try_open();
  be_alone_in_list();
}

}  // namespace colibri
