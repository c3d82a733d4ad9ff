#include "test/support/captured_stderr.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdio>

#include "colibri/core/libc.h"

namespace colibri::test {

CapturedStderr::CapturedStderr()
    : file_(memfd_create("captured_stderr", MFD_CLOEXEC)),
      saved_(real::fcntl(2, F_DUPFD_CLOEXEC, 3)) {
  std::fflush(stderr);
  real::dup2(file_, 2);
}

CapturedStderr::~CapturedStderr() {
  std::fflush(stderr);
  real::dup2(saved_, 2);
  real::close(saved_);
  real::close(file_);
}

std::string CapturedStderr::text() const {
  std::fflush(stderr);
  std::string text;
  char bytes[4096];
  for (off_t offset = 0;;) {
    const ssize_t size = pread(file_, bytes, sizeof bytes, offset);
    if (size <= 0) return text;
    text.append(bytes, static_cast<std::size_t>(size));
    offset += size;
  }
}

}  // namespace colibri::test
