// The loops of all threads, so that a close can reach those who wait on other threads.
#include <algorithm>
#include <cerrno>

#include "colibri/core/event_loop.h"
#include "colibri/core/libc.h"
#include "colibri/core/thread_state.h"

namespace colibri {

void EventLoop::enter_list() noexcept {
  const SmallLockGuard guard(loops_lock_);
  next_loop_ = loops_;
  loops_ = this;
  loop_count_.fetch_add(1);
}

void EventLoop::leave_list() noexcept {
  const SmallLockGuard guard(loops_lock_);
  EventLoop** link = &loops_;
  while (*link != this) link = &(*link)->next_loop_;
  *link = next_loop_;
  loop_count_.fetch_sub(1);
}

/// The other threads do not exist in the child of a fork.
void EventLoop::be_alone_in_list() noexcept {
  const SmallLockGuard guard(loops_lock_);
  loops_ = this;
  next_loop_ = nullptr;
  loop_count_.store(1);
}

void EventLoop::detach_from_outside(int descriptor) noexcept {
  DescriptorState* state = states_.find(descriptor);
  if (state == nullptr) return;
  const bool registered = state->registered.exchange(false);
  if (registered) real::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr);
  // What the ring does for it, its own thread must end.
  if (!state->operated.exchange(false) && !registered) return;
  sweep_needed_.store(true, std::memory_order_release);
  wake();
}

void EventLoop::look_again_from_outside(int descriptor) noexcept {
  DescriptorState* state = states_.find(descriptor);
  if (state == nullptr || (!state->registered.load() && !state->operated.load())) return;
  state->look_again.store(true);
  // The kernel's registration cannot be named any more. It is gone, or, while a duplicate lives,
  // sends events of a generation that nobody listens to.
  state->registered.store(false);
  state->operated.store(false);
  sweep_needed_.store(true, std::memory_order_release);
  wake();
}

template <class Visit>
void EventLoop::for_each_other(Visit visit) noexcept {
  if (loop_count_.load() == (thread_state.event_loop != nullptr ? 1 : 0)) return;
  const SmallLockGuard guard(loops_lock_);
  for (EventLoop* loop = loops_; loop != nullptr; loop = loop->next_loop_) {
    if (loop != thread_state.event_loop) visit(*loop);
  }
}

void EventLoop::detach_everywhere(int descriptor) noexcept {
  const int saved_errno = errno;
  for_each_other([=](EventLoop& loop) { loop.detach_from_outside(descriptor); });
  // In a child whose loops_ were forgotten, the set still is the parent's.
  EventLoop* own = loop_count_.load() != 0 ? thread_state.event_loop : nullptr;
  if (own != nullptr) own->detach(descriptor);
  errno = saved_errno;
}

unsigned EventLoop::end_of_numbers() noexcept {
  const SmallLockGuard guard(loops_lock_);
  unsigned end = 0;
  for (const EventLoop* loop = loops_; loop != nullptr; loop = loop->next_loop_) {
    end = std::max(end, loop->states_.end());
  }
  return end;
}

void EventLoop::closed_everywhere(int descriptor) noexcept {
  const int saved_errno = errno;
  // Nobody can have begun a wait on this thread meanwhile.
  for_each_other([=](EventLoop& loop) { loop.look_again_from_outside(descriptor); });
  errno = saved_errno;
}

void EventLoop::before_fork() noexcept {
  loops_lock_.lock();
  lock_internal_descriptors();
}

void EventLoop::after_fork() noexcept {
  unlock_internal_descriptors();
  loops_lock_.unlock();
}

void EventLoop::forget_all_in_child() noexcept {
  loops_ = nullptr;
  loop_count_.store(0);
}

}  // namespace colibri
