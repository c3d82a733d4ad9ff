// How the command talks with a process that has opened an admin socket.
#pragma once

#include <string>

namespace colibri {

/// Asks the process `target`, which is its number or the path of its admin socket, for the answer
/// to `request`, a line. Waits as long as the process takes, up to a minute. Throws
/// std::runtime_error with a sentence: there is no such process or socket, or it refuses.
std::string ask_process(const std::string& target, const std::string& request);

}  // namespace colibri
