// Whom servers run as.
#pragma once

#include <sys/types.h>
#include <unistd.h>

namespace colibri::test {

// "nobody" and "nogroup" of every Debian. PostgreSQL and MariaDB refuse to run as root.
inline constexpr uid_t kServerUser = 65534;
inline constexpr gid_t kServerGroup = 65534;

inline bool runs_as_root() {
  return geteuid() == 0;
}

}  // namespace colibri::test
