#include "colibri/core/ring_engine.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "colibri/core/received_ahead.h"
#include "colibri/core/unpark.h"

namespace colibri {
namespace {

// What comes back with a completion: where the descriptor's state lies, and in the bits that its
// alignment leaves free, which operation it was. A state has one of each at most, so that nothing
// else need be told apart: the next one begins when the last has come back. With kAhead, it is a
// ReceivedAhead; with kFile, the coroutine.
enum Operation : std::uint64_t {
  kReceive = 0,
  kSend = 1,
  kNobodys = 2,
  kEpoll = 3,
  kAhead = 4,
  kFile = 5,
};
constexpr std::uint64_t kOperationBits = 7;
static_assert(alignof(DescriptorState) > kOperationBits);
static_assert(alignof(ReceivedAhead) > kOperationBits);
static_assert(alignof(ControlBlock) > kOperationBits);

// What the kernel takes in one call; see read(2).
constexpr std::size_t kMostAtOnce = 0x7ffff000;

std::uint64_t ring_tag(const DescriptorState& state, Operation operation) noexcept {
  return reinterpret_cast<std::uintptr_t>(&state) | operation;
}

/// In place of a coroutine that will never run again, while its operation is with the kernel.
constinit ControlBlock nobody;

/// A coroutine that waits for a completion finds it here: in the note of its wait, which nobody
/// reads once it is ready. `since` holds the number of the buffer with the bytes, or kNoBuffer.
constexpr std::uint32_t kNoBuffer = 1U << 16;

void hand_over(ControlBlock& coroutine, std::int32_t result, std::uint32_t buffer) noexcept {
  if (&coroutine == &nobody) return;
  unpark(coroutine, WakeReason::kCompleted);
  coroutine.wait_note = {result, buffer};
}

}  // namespace

RingEngine::RingEngine(const InternalDescriptor& epoll)
    : epoll_(epoll), buffers_(ring_, 0, kReceiveBuffers, kReceiveBufferBytes) {
  watch_epoll();
}

RingEngine::~RingEngine() {
  while (!aheads_.empty()) aheads_.back()->keep_rest();
}

// The watch goes on by itself until the kernel says that it has ended.
void RingEngine::watch_epoll() noexcept {
  io_uring_sqe* entry = ring_.next_entry();
  if (entry == nullptr) {
    look_again();
    return;
  }
  entry->opcode = IORING_OP_POLL_ADD;
  entry->fd = epoll_.number();
  entry->len = IORING_POLL_ADD_MULTI;
  entry->poll32_events = POLLIN;
  entry->user_data = kEpoll;
}

// Receiving --------------------------------------------------------------------------------------

bool RingEngine::submit_receive(DescriptorState& state, int descriptor, void* buffer,
                                std::size_t size) noexcept {
  io_uring_sqe* entry = ring_.next_entry();
  if (entry == nullptr) return false;
  ++counts_.receives;
  entry->opcode = IORING_OP_RECV;
  entry->fd = descriptor;
  if (buffer != nullptr) {
    entry->addr = reinterpret_cast<std::uintptr_t>(buffer);
    entry->len = static_cast<std::uint32_t>(std::min(size, kMostAtOnce));
  } else {
    ++counts_.copied_receives;
    entry->len = static_cast<std::uint32_t>(std::min(size, buffers_.bytes_of_each()));
    entry->flags = IOSQE_BUFFER_SELECT;
    entry->buf_group = buffers_.group();
  }
  // Who comes here has tried, or knows from the last receive that nothing is there.
  entry->ioprio = IORING_RECVSEND_POLL_FIRST;
  entry->user_data = ring_tag(state, kReceive);
  state.receiver = thread_state.current;
  state.operated.store(true, std::memory_order_relaxed);
  return true;
}

void RingEngine::cancel(std::uint64_t tag) noexcept {
  io_uring_sqe* entry = ring_.next_entry();
  // Without room for it, the receive waits for bytes, and whoever wanted it cancelled with it.
  if (entry == nullptr) return;
  ++counts_.cancels;
  entry->opcode = IORING_OP_ASYNC_CANCEL;
  entry->addr = tag;
  entry->user_data = kNobodys;
}

void RingEngine::cancel_receive(DescriptorState& state) noexcept {
  cancel(ring_tag(state, kReceive));
}

std::int32_t RingEngine::take_received(void* buffer, std::size_t size) noexcept {
  const WaitNote note = thread_state.current->wait_note;
  if (note.since != kNoBuffer) {
    const auto number = static_cast<std::uint16_t>(note.since);
    // Never more than was asked for; but the compiler is to know.
    std::memcpy(buffer, buffers_.bytes(number),
                std::min(size, static_cast<std::size_t>(note.descriptor)));
    buffers_.give_back(number);
  }
  return note.descriptor;
}

void RingEngine::complete_receive(DescriptorState& state, const io_uring_cqe& completion) noexcept {
  std::int32_t result = completion.res;
  std::uint32_t buffer = kNoBuffer;
  ControlBlock& receiver = *std::exchange(state.receiver, nullptr);
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    if (result <= 0 || &receiver == &nobody) {
      buffers_.give_back(static_cast<std::uint16_t>(buffer));
      buffer = kNoBuffer;
    }
  }
  state.expects_empty = result > 0 && (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
  if (result == -ENOBUFS) {
    ++counts_.without_buffer;
    result = -EAGAIN;
  } else if (result == -ECANCELED && has_them_look_) {
    result = -EAGAIN;
  }
  hand_over(receiver, result, buffer);
}

// Sending ----------------------------------------------------------------------------------------

/// Null if there is no memory.
const void* RingEngine::copy_to_send(const void* bytes, std::size_t size) noexcept {
  if (copies_in_use_ == copies_.size()) {
    try {
      copies_.push_back(std::make_unique<std::byte[]>(kMostCopied));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  ++counts_.copied_sends;
  return std::memcpy(copies_[copies_in_use_++].get(), bytes, size);
}

bool RingEngine::submit_send(DescriptorState& state, int descriptor, const void* buffer,
                             std::size_t size, bool copied) noexcept {
  if (copied) buffer = copy_to_send(buffer, size);
  io_uring_sqe* entry = buffer != nullptr ? ring_.next_entry() : nullptr;
  if (entry == nullptr) return false;
  ++counts_.sends;
  entry->opcode = IORING_OP_SEND;
  entry->fd = descriptor;
  entry->addr = reinterpret_cast<std::uintptr_t>(buffer);
  entry->len = static_cast<std::uint32_t>(size);
  // Done when the turn ends, one way or the other: the bytes need not stay for longer.
  entry->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  entry->user_data = ring_tag(state, kSend);
  state.sender = thread_state.current;
  state.operated.store(true, std::memory_order_relaxed);
  return true;
}

void RingEngine::complete_send(DescriptorState& state, const io_uring_cqe& completion) noexcept {
  hand_over(*std::exchange(state.sender, nullptr), completion.res, kNoBuffer);
}

// Files ------------------------------------------------------------------------------------------

bool RingEngine::submit_file_read(int descriptor, std::span<const iovec> buffers, off64_t offset,
                                  int flags) noexcept {
  io_uring_sqe* entry = ring_.next_entry();
  if (entry == nullptr) return false;
  ++counts_.file_reads;
  entry->opcode = IORING_OP_READV;
  entry->fd = descriptor;
  entry->addr = reinterpret_cast<std::uintptr_t>(buffers.data());
  entry->len = static_cast<std::uint32_t>(buffers.size());
  entry->off = static_cast<std::uint64_t>(offset);
  entry->rw_flags = static_cast<decltype(entry->rw_flags)>(flags);
  entry->user_data = reinterpret_cast<std::uintptr_t>(thread_state.current) | kFile;
  // Now, and not at the end of the turn: by then the number may mean another file.
  ring_.enter(0);
  return true;
}

// Receiving ahead --------------------------------------------------------------------------------

bool RingEngine::enter(ReceivedAhead& ahead) noexcept {
  try {
    if (!ahead_buffers_.has_value()) {
      ahead_buffers_.emplace(ring_, 1, kAheadBuffers, kAheadBufferBytes);
      kept_.resize(kAheadBuffers);
    }
    ahead.index_ = aheads_.size();
    aheads_.push_back(&ahead);
    return true;
  } catch (const std::exception&) {
    return false;  // no memory; whoever wants to receive does so without
  }
}

void RingEngine::leave(const ReceivedAhead& ahead) noexcept {
  aheads_.back()->index_ = ahead.index_;
  std::swap(aheads_[ahead.index_], aheads_.back());
  aheads_.pop_back();
}

bool RingEngine::submit_ahead(ReceivedAhead& ahead, int descriptor) noexcept {
  // Those who have begun are to find some.
  if (kept_count_ > kAheadBuffers / 2) return false;
  io_uring_sqe* entry = ring_.next_entry();
  if (entry == nullptr) return false;
  ++counts_.begun_ahead;
  entry->opcode = IORING_OP_RECV;
  entry->fd = descriptor;
  entry->ioprio = IORING_RECV_MULTISHOT | IORING_RECVSEND_POLL_FIRST;
  entry->flags = IOSQE_BUFFER_SELECT;
  entry->buf_group = ahead_buffers_->group();
  entry->user_data = reinterpret_cast<std::uintptr_t>(&ahead) | kAhead;
  return true;
}

void RingEngine::cancel_ahead(const ReceivedAhead& ahead) noexcept {
  cancel(reinterpret_cast<std::uintptr_t>(&ahead) | kAhead);
}

void RingEngine::look() noexcept {
  ring_.enter(0);
  complete_all();
}

// Both -------------------------------------------------------------------------------------------

void RingEngine::complete(const io_uring_cqe& completion) noexcept {
  auto* state = reinterpret_cast<DescriptorState*>(completion.user_data & ~kOperationBits);
  switch (completion.user_data & kOperationBits) {
    case kReceive:
      return complete_receive(*state, completion);
    case kSend:
      return complete_send(*state, completion);
    case kEpoll:
      epoll_has_events_ = true;
      if ((completion.flags & IORING_CQE_F_MORE) == 0) watch_epoll();
      return;
    case kAhead:
      return reinterpret_cast<ReceivedAhead*>(completion.user_data & ~kOperationBits)
          ->complete(completion);
    case kFile:
      return hand_over(*reinterpret_cast<ControlBlock*>(completion.user_data & ~kOperationBits),
                       completion.res, kNoBuffer);
    default:
      return;
  }
}

void RingEngine::complete_all() noexcept {
  ring_.take_completions([this](const io_uring_cqe& completion) { complete(completion); });
}

bool RingEngine::wait(std::int64_t timeout) noexcept {
  ring_.enter(epoll_has_events_ ? 0 : timeout);
  // Sends are done by now.
  copies_in_use_ = 0;
  complete_all();
  return std::exchange(epoll_has_events_, false);
}

void RingEngine::release(DescriptorState& state, WakeReason reason) noexcept {
  if (state.receiver == nullptr && state.sender == nullptr) return;
  if (state.receiver != nullptr) cancel_receive(state);
  has_them_look_ = reason == WakeReason::kFired;
  // Not all at once, if much waits to be done; and no more often than it takes, should the kernel
  // have had no room for the cancellation.
  constexpr int kMostLooks = 1000;
  for (int looks = 0; state.receiver != nullptr && looks < kMostLooks; ++looks) look();
  if (state.sender != nullptr) look();
  has_them_look_ = false;
}

void RingEngine::forget(DescriptorState& state, const ControlBlock& coroutine) noexcept {
  if (state.receiver == &coroutine) {
    cancel_receive(state);
    state.receiver = &nobody;
  }
  if (state.sender == &coroutine) state.sender = &nobody;
  // Now, since nobody knows how long the memory lives that the kernel was given.
  ring_.enter(0);
}

void RingEngine::forget_all() noexcept {
  for (ReceivedAhead* each : aheads_) each->forget();
  aheads_.clear();
  ring_.forget();
  buffers_.forget();
  if (ahead_buffers_.has_value()) ahead_buffers_->forget();
}

}  // namespace colibri
