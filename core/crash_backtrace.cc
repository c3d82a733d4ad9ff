#include "colibri/core/crash_backtrace.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <cstddef>

#include "colibri/core/bypass.h"
#include "colibri/core/signal_text.h"

namespace colibri {
namespace {

// An endless recursion shows in its first frames, and who began it in its last.
constexpr std::size_t kFirstFrames = 16;
constexpr std::size_t kLastFrames = 8;
// Of 64 MiB of frames, more than anybody reads.
constexpr std::size_t kMostFrames = 1'000'000;

void write_frame(unw_cursor_t& cursor, std::size_t number) noexcept {
  unw_word_t instruction_pointer = 0;
  unw_get_reg(&cursor, UNW_REG_IP, &instruction_pointer);
  SignalText line;
  line.add("  #").add_number(number).add(" ").add_hexadecimal(instruction_pointer).add(" ");
  char name[512];
  unw_word_t offset = 0;
  const int found = unw_get_proc_name(&cursor, name, sizeof name, &offset);
  if (found == 0 || found == -UNW_ENOMEM) {
    line.add_symbol(name).add("+").add_hexadecimal(offset);
  } else {
    line.add("?");
  }
  line.add("\n").write();
}

/// The unwinder's start at the place of the fault.
bool start(unw_cursor_t& cursor, const void* context) noexcept {
  // It only reads: the type lacks a const.
  auto* registers = static_cast<unw_context_t*>(const_cast<void*>(context));
  return unw_init_local2(&cursor, registers, UNW_INIT_SIGNAL_FRAME) == 0;
}

std::size_t count_frames(const void* context) noexcept {
  unw_cursor_t cursor;
  if (!start(cursor, context)) return 0;
  std::size_t count = 1;
  while (count < kMostFrames && unw_step(&cursor) > 0) ++count;
  return count;
}

}  // namespace

void write_crash_backtrace(const void* context) noexcept {
  // The unwinder checks addresses by a pipe of its own.
  const Bypass bypass;
  const std::size_t count = count_frames(context);
  unw_cursor_t cursor;
  if (count == 0 || !start(cursor, context)) return;
  const bool all = count <= kFirstFrames + kLastFrames;
  for (std::size_t i = 0; i < count; ++i) {
    if (all || i < kFirstFrames || i >= count - kLastFrames) write_frame(cursor, i);
    if (!all && i == kFirstFrames) {
      SignalText text;
      text.add("  ... ").add_number(count - kFirstFrames - kLastFrames).add(" more ...\n").write();
    }
    if (unw_step(&cursor) <= 0) break;
  }
}

}  // namespace colibri
