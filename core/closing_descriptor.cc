#include "colibri/core/closing_descriptor.h"

#include "colibri/core/event_loop.h"

namespace colibri {
namespace {

constinit ClosingListener listener_of_process = nullptr;

}  // namespace

void set_closing_listener(ClosingListener listener) noexcept {
  listener_of_process = listener;
}

void tell_closing(int descriptor) noexcept {
  EventLoop::detach_everywhere(descriptor);
  if (listener_of_process != nullptr) listener_of_process(descriptor);
}

}  // namespace colibri
