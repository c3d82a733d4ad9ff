// Plain calls, compiled with _FORTIFY_SOURCE as distributions compile their programs: they become
// __read_chk and its kind.
#pragma once

#include <sys/types.h>

#include <string>

namespace colibri::test {

/// False for compilers with which libc's headers cannot fortify these calls (clang 14).
extern const bool kFortified;

/// The buffers are of 16 bytes; `size` is not known to the compiler.
std::string fortified_read(int descriptor, std::size_t size);
std::string fortified_recv(int socket, std::size_t size);
std::string fortified_recvfrom(int socket, std::size_t size);
/// Polls `count` entries of an array of two, both for `descriptor`.
int fortified_poll(int descriptor, std::size_t count);
/// The same with ppoll.
int fortified_ppoll(int descriptor, std::size_t count);

}  // namespace colibri::test
