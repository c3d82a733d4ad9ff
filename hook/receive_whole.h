// Receives on streams that wait for more than the first bytes: MSG_WAITALL and SO_RCVLOWAT.
//
// The kernel's own call takes one part after the other while it waits. Each part here is a call of
// its own, and together they must show what that one would have shown: on Unix streams it stops
// behind descriptors and, with SO_PASSCRED, before another sender's bytes.
#pragma once

#include "colibri/hook/blocking_call.h"

namespace colibri {

/// True if a receive with these flags perhaps has to wait for more than the first bytes.
inline bool is_patient(const Descriptor& descriptor, int flags) noexcept {
  constexpr int kNeverWaits = MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE;
  const bool wants_more = (flags & MSG_WAITALL) != 0 ||
                          descriptor.receive_low_water.load(std::memory_order_relaxed) > 1;
  return wants_more && (flags & kNeverWaits) == 0 && descriptor.is_socket() &&
         descriptor.is_stream();
}

/// How many bytes such a receive waits for, if there is room for so many.
std::size_t bytes_to_wait_for(const Descriptor& descriptor, int flags, std::size_t room) noexcept;

/// Receives at least `wanted` bytes into `message`, which describes all the room, or what came
/// before the end, an error or a time-out. The result is recvmsg's.
ssize_t receive_whole(int number, const Descriptor& descriptor, msghdr& message, int flags,
                      std::size_t wanted);

/// Forgets what was believed of the numbers that descriptors came under with `message`, which was
/// just received: a number that was closed behind the hooks' back may have come round.
void note_received_descriptors(msghdr& message) noexcept;

}  // namespace colibri
