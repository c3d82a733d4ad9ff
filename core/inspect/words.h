// Words that all who describe coroutines have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace colibri {

/// "#12 'writer'"; "#12" for one without a name.
std::string coroutine_label(std::uint64_t id, std::string_view name);

/// With two digits or three, and the unit that suits it: "1.2 s", "350 ms", "2 h 5 min".
std::string to_words(std::chrono::nanoseconds duration);

/// The descriptor, and what is behind it: "fd 7 127.0.0.1:7777←127.0.0.1:51234" for a socket, seen
/// as its reader, with → as its writer; "fd 5 pipe:[8125]". Some system calls.
std::string describe_descriptor(int descriptor, bool reading);

}  // namespace colibri
