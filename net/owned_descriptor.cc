#include "colibri/net/owned_descriptor.h"

#include "colibri/core/closing_descriptor.h"
#include "colibri/core/event_loop.h"
#include "colibri/core/libc.h"

namespace colibri {

void OwnedDescriptor::close() noexcept {
  if (number_ < 0) return;
  // First, so that whoever is woken by the close and looks finds nothing.
  const int number = std::exchange(number_, -1);
  tell_closing(number);
  const int saved_errno = errno;
  real::close(number);
  errno = saved_errno;
  EventLoop::closed_everywhere(number);
}

int OwnedDescriptor::release() noexcept {
  const int number = std::exchange(number_, -1);
  if (number >= 0) EventLoop::detach_everywhere(number);
  return number;
}

}  // namespace colibri
