#include "colibri/core/coroutine_report.h"

#include "colibri/core/backtrace.h"
#include "colibri/core/log.h"

namespace colibri {

std::string describe_wait_kind(WaitKind kind, int descriptor) {
  switch (kind) {
    case WaitKind::kNothing:
      return "does not wait";
    case WaitKind::kReadable:
      return "waits until descriptor " + std::to_string(descriptor) + " is readable";
    case WaitKind::kWritable:
      return "waits until descriptor " + std::to_string(descriptor) + " is writable";
    case WaitKind::kPoll:
      return "waits in poll";
    case WaitKind::kSleep:
      return "sleeps";
    case WaitKind::kJoin:
      return "waits for another coroutine's end";
    case WaitKind::kOther:
    case WaitKind::kQueue:
      break;
  }
  return "waits for another coroutine or thread";
}

std::string describe(const ControlBlock& coroutine) {
  std::string text = "coroutine " + std::to_string(coroutine.id);
  if (*coroutine.name() != '\0') text += std::string(" '") + coroutine.name() + "'";
  text += std::string(" spawned at ") + coroutine.site().file + ":";
  return text + std::to_string(coroutine.site().line);
}

void report_escaped_exception(const ControlBlock& coroutine, const char* what) noexcept {
  try {
    log(LogLevel::kError, describe(coroutine) + " ended by an exception: " + what);
  } catch (...) {
    // No memory to say it; the coroutine ends all the same.
  }
}

void report_abandoned(const ControlBlock& coroutine) noexcept {
  const ControlBlock& leaf = leaf_of(coroutine);
  try {
    std::string text = describe(coroutine) + " did not end after it was cancelled (it " +
                       describe_wait_kind(leaf.wait_kind, leaf.wait_note.descriptor) +
                       "); it is abandoned. ";
    // Innermost first, as frames are.
    for (const ControlBlock* each = &leaf; each != &coroutine; each = each->resumer) {
      text += "Inside " + describe(*each) + ":\n" + to_string(capture_backtrace(*each));
    }
    log(LogLevel::kError, text + "Its stack:\n" + to_string(capture_backtrace(coroutine)));
  } catch (...) {
  }
}

}  // namespace colibri
