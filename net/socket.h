// Socket: what all sockets of net have in common, their descriptor and its options.
#pragma once

#include <sys/socket.h>

#include "colibri/net/address.h"
#include "colibri/net/owned_descriptor.h"

namespace colibri {

/// Owns a socket, which does not block and is closed on exec. Movable. Belongs to one thread at a
/// time; there, one coroutine may read while another writes, and any may close it: those who wait
/// then fail with bad_file_descriptor.
///
/// Everything that fails throws std::system_error, whose text says what was done and to whom.
class Socket {
 public:
  /// None.
  Socket() noexcept = default;
  /// Takes over `descriptor`, and makes it non-blocking and close-on-exec. If that fails, it stays
  /// the caller's.
  static Socket adopt(int descriptor);
  /// Of one that is both already.
  explicit Socket(OwnedDescriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  /// A new one; `type` as for socket(2). With the address of whom it is for, for the error's text.
  static Socket open(const Address& whom, int type);

  bool is_open() const noexcept { return descriptor_.is_open(); }
  /// -1 when it was closed or moved from. What is done with it behind net's back must neither close
  /// it nor make it block.
  int descriptor() const noexcept { return descriptor_.number(); }
  void close() noexcept { descriptor_.close(); }
  /// Hands the descriptor over, non-blocking as it is.
  int release() noexcept { return descriptor_.release(); }

  /// The address that it is bound to.
  Address local_address() const;

  /// Options whose value is an int; names as for setsockopt(2).
  int option(int level, int name) const;
  void set_option(int level, int name, int value);

 private:
  OwnedDescriptor descriptor_;
};

}  // namespace colibri
