#include "colibri/core/received_ahead.h"

#include <linux/io_uring.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/event_loop.h"
#include "colibri/core/ring_engine.h"
#include "colibri/core/unpark.h"

namespace colibri {
namespace {

/// The receive has ended, and the connection is as it was.
bool says_nothing(std::int32_t result) noexcept {
  return result >= 0 || result == -ENOBUFS || result == -ECANCELED || result == -EAGAIN ||
         result == -EINTR;
}

}  // namespace

ReceivedAhead::~ReceivedAhead() {
  // In the child of a fork that no coroutine made there are no loops, and the ring is the parent's.
  if (ring_ != nullptr && EventLoop::end_of_numbers() != 0) {
    check_thread();
    end_receiving();
    while (count_ != 0) drop_first();
    ring_->leave(*this);
  }
  unpark_all(waiters_, WakeReason::kClosed);
}

bool ReceivedAhead::begin(int descriptor) noexcept {
  EventLoop* loop = thread_state.event_loop;
  if (stopped_ || loop == nullptr || loop->ring() == nullptr) return false;
  if (ring_ == nullptr) {
    state_ = loop->find_or_create(descriptor);
    if (state_ == nullptr || !loop->ring()->enter(*this)) return false;
    ring_ = loop->ring();
  }
  check_thread();
  if (!ring_->submit_ahead(*this, descriptor)) return false;
  phase_ = Phase::kReceiving;
  return true;
}

void ReceivedAhead::look() noexcept {
  ring_->look();
}

// Receiving --------------------------------------------------------------------------------------

void ReceivedAhead::complete(const io_uring_cqe& completion) noexcept {
  const std::int32_t result = completion.res;
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    if (result > 0) {
      keep(buffer, static_cast<std::uint16_t>(result));
    } else {
      ring_->ahead_buffers_->give_back(buffer);
    }
  }
  expects_empty_ = result > 0 && (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    phase_ = Phase::kIdle;
    if (result == -ENOBUFS) ++ring_->counts_.without_buffer;
    if (!says_nothing(result)) error_ = -result;
  } else if (count_ >= kMostKept && phase_ == Phase::kReceiving) {
    phase_ = Phase::kStopping;
    ring_->cancel_ahead(*this);
  }
  unpark_all(waiters_, WakeReason::kCompleted);
  // Those who wait for the descriptor: what they wait for may have been taken out of the socket
  // before epoll could tell them.
  state_->read_drained = false;
  unpark_all(state_->readers, WakeReason::kFired);
}

void ReceivedAhead::keep(std::uint16_t buffer, std::uint16_t size) noexcept {
  ++ring_->counts_.received_ahead;
  ++ring_->kept_count_;
  ring_->kept_[buffer].size = size;
  (count_ != 0 ? ring_->kept_[last_].next : first_) = buffer;
  last_ = buffer;
  ++count_;
  size_ += size;
}

void ReceivedAhead::end_receiving() noexcept {
  while (phase_ != Phase::kIdle) {
    // Again each time, since a receive that the kernel has just in hand is not found.
    ring_->cancel_ahead(*this);
    ring_->look();
  }
}

void ReceivedAhead::check_thread() const noexcept {
  check(thread_state.event_loop != nullptr && thread_state.event_loop->ring() == ring_,
        "a stream that receives ahead is used or closed on another thread than that where it "
        "began; call set_receive_ahead(false) before it moves");
}

void ReceivedAhead::stop() noexcept {
  stopped_ = true;
  if (ring_ == nullptr) return;
  check_thread();
  keep_rest();
  // To go on without it.
  unpark_all(waiters_, WakeReason::kCompleted);
}

void ReceivedAhead::keep_rest() noexcept {
  end_receiving();
  try {
    std::vector<std::byte> rest(size_);
    take(rest.data(), rest.size());
    rest_.swap(rest);
  } catch (const std::bad_alloc&) {
    while (count_ != 0) drop_first();
    error_ = ENOMEM;
  }
  size_ = rest_.size();
  ring_->leave(*this);
  ring_ = nullptr;
}

void ReceivedAhead::forget() noexcept {
  ring_ = nullptr;
  phase_ = Phase::kIdle;
  count_ = taken_ = 0;
  size_ = rest_.size();
  expects_empty_ = false;
}

// Taking -----------------------------------------------------------------------------------------

int ReceivedAhead::take_error() noexcept {
  return std::exchange(error_, 0);
}

void ReceivedAhead::drop_first() noexcept {
  const std::uint16_t next = ring_->kept_[first_].next;
  ring_->ahead_buffers_->give_back(first_);
  --ring_->kept_count_;
  first_ = next;
  taken_ = 0;
  --count_;
}

std::size_t ReceivedAhead::copy(void* buffer, std::size_t size, bool taken) noexcept {
  if (!rest_.empty()) [[unlikely]]
    return copy_of_rest(buffer, size, taken);
  auto* to = static_cast<std::byte*>(buffer);
  std::size_t done = 0;
  std::uint16_t piece = first_;
  std::uint16_t offset = taken_;
  for (unsigned left = count_; left != 0 && done != size; --left) {
    const std::size_t step = std::min<std::size_t>(size - done, ring_->kept_[piece].size - offset);
    std::memcpy(to + done, ring_->ahead_buffers_->bytes(piece) + offset, step);
    done += step;
    const bool is_whole = offset + step == ring_->kept_[piece].size;
    piece = ring_->kept_[piece].next;
    offset = 0;
    if (!taken) continue;
    if (is_whole) {
      drop_first();
    } else {
      taken_ = static_cast<std::uint16_t>(taken_ + step);
    }
  }
  if (taken) size_ -= done;
  return done;
}

std::size_t ReceivedAhead::copy_of_rest(void* buffer, std::size_t size, bool taken) noexcept {
  const std::size_t done = std::min(size, size_);
  std::memcpy(buffer, &rest_[rest_.size() - size_], done);
  if (!taken) return done;
  size_ -= done;
  if (size_ == 0) std::vector<std::byte>().swap(rest_);
  return done;
}

}  // namespace colibri
