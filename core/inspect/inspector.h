// The inspector: a thread of the process that answers who looks inside, by the admin socket and by
// a signal. It is there only when it is asked for.
//
//   COLIBRI_ADMIN=path        opens the admin socket when the first scheduler begins; "%p" in the
//                             path stands for the process's number
//   COLIBRI_DUMP_SIGNAL=QUIT  writes a dump to standard error at every such signal: a name or a
//                             number
#pragma once

#include <string>

namespace colibri {

/// Opens an admin socket at `path`, for `colibri ps`, `bt` and `why`; only the process's user and
/// root can use it. "%p" stands for the process's number. One a process: another one's path is
/// taken away first. A forked child has none until it opens its own. Any thread. Throws
/// std::system_error.
void open_admin_socket(const std::string& path);

/// Closes it, and takes the path away. No effect if there is none. Any thread.
void close_admin_socket() noexcept;

/// From now on, `signal` writes what every coroutine is doing to standard error, and does nothing
/// else; SIGQUIT is what other languages use. The program must not handle it itself. Any thread.
/// Throws std::system_error.
void dump_on_signal(int signal);

}  // namespace colibri
