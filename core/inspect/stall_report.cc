#include "colibri/core/inspect/stall_report.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "colibri/core/inspect/system_call_text.h"

namespace colibri {
namespace {

constexpr std::size_t kFramesOfSite = 4;

/// Where code lies: the file, without its directory, and the exported function; empty if in none.
struct Place {
  std::string library;
  std::string symbol;
};

Place place_of_frame(const StackFrame& frame) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(frame.instruction_pointer), &info) == 0) return {};
  const std::string_view path = info.dli_fname != nullptr ? info.dli_fname : "";
  return {std::string(path.substr(path.rfind('/') + 1)),
          info.dli_sname != nullptr ? info.dli_sname : ""};
}

/// libc, or what stands before it: the loader, the kernel's part, a sanitizer.
bool is_libc(std::string_view library) noexcept {
  constexpr std::array<std::string_view, 6> kParts = {"libc.so",    "libpthread.so", "ld-linux",
                                                      "linux-vdso", "libasan.so",    "libtsan.so"};
  return std::any_of(kParts.begin(), kParts.end(),
                     [library](std::string_view part) { return library.starts_with(part); });
}

/// "parse in server".
std::string place_of(const Backtrace& backtrace) {
  const auto is_program = [](const StackFrame& frame) {
    return !is_libc(place_of_frame(frame).library);
  };
  auto found = std::find_if(backtrace.begin(), backtrace.end(), is_program);
  if (found == backtrace.end()) found = backtrace.begin();
  if (found == backtrace.end()) return "code whose stack could not be read";
  const std::string function =
      found->function.empty() ? fmt::format("{:#x}", found->instruction_pointer) : found->function;
  const std::string library = place_of_frame(*found).library;
  return library.empty() ? function : function + " in " + library;
}

/// "function+0x12 (library)". libc comes without the names of its inner functions; the unwinder
/// then takes them for the exported ones before them.
std::string frame_text(const StackFrame& frame) {
  const Place place = place_of_frame(frame);
  const bool known = !frame.function.empty() && (!is_libc(place.library) || !place.symbol.empty());
  std::string text = known ? fmt::format("{}+{:#x}", frame.function, frame.offset) : "?";
  if (!place.library.empty()) text += " (" + place.library + ")";
  return text;
}

std::string frames_text(const Backtrace& backtrace) {
  std::string text;
  for (std::size_t i = 0; i < backtrace.size(); ++i) {
    text += fmt::format("\n  #{} {:#x} {}", i, backtrace[i].instruction_pointer,
                        frame_text(backtrace[i]));
  }
  return text;
}

std::string coroutine_text(const StallSample::Coroutine& coroutine) {
  const Origin origin = origin_of(coroutine.origin);
  const std::string name = *origin.name != '\0' ? fmt::format(" '{}'", origin.name) : "";
  return fmt::format("coroutine {}{} spawned at {}:{}", coroutine.id, name, origin.site.file,
                     origin.site.line);
}

/// In milliseconds.
std::string time_text(std::int64_t nanoseconds) {
  return fmt::format("{:.3g} ms", static_cast<double>(nanoseconds) / 1e6);
}

std::string lock_text(const Stall& stall, pid_t thread) {
  std::string text = fmt::format("it waits for a lock, at {:#x}", stall.lock);
  if (stall.lock_owner == 0) return text + ", whose holder is not known";
  if (stall.lock_owner != thread)
    return text + fmt::format(", held by thread {}", stall.lock_owner);
  return text +
         ", held by its own thread: a coroutine took it and was parked while it held it, and "
         "can never run to let go of it. Use a lock that parks: colibri::Mutex, or the hooks";
}

std::string what_it_does(const Stall& stall, pid_t thread) {
  if (stall.lock != 0) return lock_text(stall, thread);
  if (!stall.call.has_value()) return "it computes";
  if (stall.call->number < 0) return "it waits in the kernel, in no system call";
  return "it sits in the system call " + to_string(*stall.call);
}

std::string holders_text(const StallSample& sample) {
  std::string text;
  for (std::size_t i = 0; i < sample.holder_count; ++i) {
    const StallSample::Coroutine& holder = sample.holders[i];
    text += (sample.holders_are_certain ? "\nThe lock's address lies on the stack of "
                                        : "\nParked, and perhaps its holder: ") +
            coroutine_text(holder) + ":" + frames_text(walk(holder.stack));
  }
  return text;
}

}  // namespace

std::uint64_t site_key(const Stall& stall, const StackCopy& culprit) {
  // The same call of two functions is two sites; so is the same function in two calls.
  const long number = stall.call.has_value() ? stall.call->number : -2;
  constexpr std::uint64_t kPrime = 0x100000001b3;  // FNV-1a's
  std::uint64_t hash = 0xcbf29ce484222325 ^ static_cast<std::uint64_t>(number);
  for (const std::uintptr_t function : functions_of(culprit, kFramesOfSite)) {
    hash = (hash * kPrime) ^ function;
  }
  return hash;
}

std::string site_name(const Stall& stall, const Backtrace& culprit) {
  std::string kind = "computing";
  if (stall.call.has_value()) kind = stall.lock != 0 ? "lock" : name_of(*stall.call);
  return kind + ": " + place_of(culprit);
}

std::string report_text(const Stall& stall, const StallSample& sample, const Backtrace& culprit) {
  return fmt::format(
      "watchdog: {} keeps thread {} from running others, for longer than {} ({} computing, {} in "
      "system calls): {}; in {}{}{}",
      coroutine_text(sample.culprit), sample.thread, time_text(stall.limit),
      time_text(stall.computed), time_text(stall.blocked), what_it_does(stall, sample.thread),
      place_of(culprit), frames_text(culprit), holders_text(sample));
}

}  // namespace colibri
