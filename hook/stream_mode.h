// The modes of streams: "r", "w+e" and their like.
#pragma once

namespace colibri {

/// What the mode of fopen, fdopen and popen says.
struct StreamMode {
  /// False for what libc refuses.
  static bool parse(const char* text, StreamMode& mode) noexcept;

  bool reads() const noexcept { return kind == 'r' || updates; }
  bool writes() const noexcept { return kind != 'r' || updates; }
  /// What open is given for it.
  int open_flags() const noexcept;

  char kind = 'r';       // r, w or a
  bool updates = false;  // +
  bool exclusive = false;
  bool closes_on_exec = false;
};

}  // namespace colibri
