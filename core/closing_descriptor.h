// How those who note things about descriptors by their numbers hear of a close that they do not
// see.
#pragma once

namespace colibri {

/// What is called with a descriptor's number. Must not throw, and keeps errno.
using ClosingListener = void (*)(int descriptor) noexcept;

/// Has `listener` called with each descriptor that colibri closes on behalf of its user, before the
/// close, on any thread. One a process, set before main.
void set_closing_listener(ClosingListener listener) noexcept;

/// `descriptor` is about to be closed: detaches it from all event loops, and tells the listener, if
/// there is one. Any thread. EventLoop::closed_everywhere must follow the close.
void tell_closing(int descriptor) noexcept;

}  // namespace colibri
