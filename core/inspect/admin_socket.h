// The Unix socket by which a process lets its owner look inside.
#pragma once

#include <string>
#include <string_view>

#include "colibri/core/internal_descriptor.h"

namespace colibri {

/// What the server says first, so that clients know whom they have found.
inline constexpr char kAdminGreeting[] = "colibri admin 1\n";

/// A listening socket in the file system, of mode 0600. One thread's own.
class AdminSocket {
 public:
  /// Binds to `path`, in whose place a socket that nobody serves any more may lie; "%p" in it
  /// stands for the process's number. Throws std::system_error: the path is taken, too long, or
  /// cannot be made.
  explicit AdminSocket(const std::string& path);
  ~AdminSocket() { take_path_away(); }
  AdminSocket(const AdminSocket&) = delete;
  AdminSocket& operator=(const AdminSocket&) = delete;

  const std::string& path() const noexcept { return path_; }
  /// To be polled for readability. It can change when the program claims the number.
  int descriptor() const noexcept { return listener_.number(); }

  /// From now on no client comes in.
  void take_path_away() noexcept;
  /// In a forked child: the path is the parent's.
  void forget_in_child() noexcept;

  /// The next client, which is of the same user, or root, and has been greeted; -1 if there is
  /// none, or it was sent away. The descriptor belongs to the caller.
  int accept() noexcept;

 private:
  std::string path_;
  InternalDescriptor listener_;
};

/// A line from a client, without its end: at most 4 KiB, within five seconds. False if none comes.
bool read_request(int client, std::string& line) noexcept;

/// Sends `text` whole. False if the client takes nothing for five seconds.
bool send_answer(int client, std::string_view text) noexcept;

}  // namespace colibri
