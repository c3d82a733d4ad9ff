#include "colibri/hook/stream_mode.h"

#include <fcntl.h>

namespace colibri {

bool StreamMode::parse(const char* text, StreamMode& mode) noexcept {
  mode = {};
  mode.kind = *text;
  if (mode.kind != 'r' && mode.kind != 'w' && mode.kind != 'a') return false;
  for (++text; *text != '\0' && *text != ','; ++text) {
    mode.updates |= *text == '+';
    mode.exclusive |= *text == 'x';
    mode.closes_on_exec |= *text == 'e';
  }
  return true;
}

int StreamMode::open_flags() const noexcept {
  int flags = updates ? O_RDWR : kind == 'r' ? O_RDONLY : O_WRONLY;
  if (kind != 'r') flags |= O_CREAT;
  if (kind == 'w') flags |= O_TRUNC;
  if (kind == 'a') flags |= O_APPEND;
  if (exclusive) flags |= O_EXCL;
  if (closes_on_exec) flags |= O_CLOEXEC;
  return flags;
}

}  // namespace colibri
