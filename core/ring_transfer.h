// Receiving and sending on connections by the ring engine: what blocking calls do in place of
// trying, and waiting for readiness, where it is there.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/received_ahead.h"
#include "colibri/core/ring_engine.h"

namespace colibri {

/// Whether receive_by_ring serves `state`: nobody else's receive is on its way.
inline bool may_receive_by_ring(const DescriptorState& state) noexcept {
  return state.receiver == nullptr;
}

/// Receives at most `size` bytes from a stream socket as recv without flags does: how many; 0: the
/// end of the stream; -1 with errno. EAGAIN: it is to be tried without the ring. `early` is kFired
/// then; otherwise the wait ended early for that reason, and nothing was taken. Coroutines.
ssize_t receive_by_ring(DescriptorState& state, int descriptor, void* buffer, std::size_t size,
                        WaitLimits limits, WakeReason& early) noexcept;

/// The same for a connection that receives ahead; `ahead` may become null or another while this
/// waits, and the descriptor is closed then. EAGAIN: it has nothing, and is not receiving at
/// present.
ssize_t receive_ahead(const std::unique_ptr<ReceivedAhead>& ahead, int descriptor, void* buffer,
                      std::size_t size, WaitLimits limits, WakeReason& early) noexcept;

/// Whether a send is better left to the ring: others are ready, who will ask for something, too, so
/// that one system call does it all. Alone, sending at once is faster.
inline bool better_sent_by_ring(const DescriptorState& state, std::size_t size) noexcept {
  return size <= RingEngine::kMostCopied && state.sender == nullptr &&
         !thread_state.run_queue->empty();
}

/// Sends as send with MSG_DONTWAIT and MSG_NOSIGNAL does, at the end of the turn; parks until then,
/// whatever happens. Results likewise; EAGAIN also if the ring takes nothing at present.
/// Coroutines.
ssize_t send_by_ring(DescriptorState& state, int descriptor, const void* buffer,
                     std::size_t size) noexcept;

/// Reads from a file as preadv2 does, at an offset of its own: the result, with errno; nothing if
/// the ring cannot do it. Parks until that is done, whatever happens. `buffers` and what they refer
/// to must not lie on a shared stack. Coroutines whose loop has a ring.
std::optional<ssize_t> read_file_by_ring(int descriptor, std::span<const iovec> buffers,
                                         off64_t offset, int flags) noexcept;

}  // namespace colibri
