// Streams on the ends of channels, for the tables of stdio's parity tests.
#pragma once

#include <poll.h>
#include <stdio.h>

#include <span>
#include <string>
#include <vector>

#include "colibri/core/libc.h"
#include "test/support/channels.h"
#include "test/support/libc_parity.h"
#include "test/support/stdio_functions.h"

namespace colibri::test {

/// A stream on a copy of `number`, which it closes.
inline FILE* stream_on(Session& session, int number, const char* mode) {
  return Stdio(session).fdopen(session.libc.dup(number), mode);
}

/// Two streams on the ends of a channel: what goes into `out` comes from `in`. `end()` closes them.
struct Streams {
  Streams(Session& session, const Ends& both)
      : ends(both),
        in(stream_on(session, both.reader, "r")),
        out(stream_on(session, both.writer, "w")) {}
  void end(const Stdio& io) const {
    io.fclose(in);
    io.fclose(out);
  }

  const Ends ends;
  FILE* const in;
  FILE* const out;
};

/// Without its end of line.
inline std::string line_of(const char* text) {
  std::string line = text != nullptr ? text : "nothing";
  if (line.ends_with('\n')) line.back() = '|';
  return line;
}

/// Notes the next line, or that there is none. At most `room` bytes, at most 100.
inline void note_line(Session& session, FILE* in, int room = 100) {
  char text[100] = {};
  errno = 0;
  session.note(line_of(Stdio(session).fgets(text, room, in)));
}

/// Notes the marks of end and error.
inline void note_state(Session& session, FILE* stream) {
  std::string state = feof(stream) != 0 ? "end" : "no end";
  state += ferror(stream) != 0 ? " and error" : " and no error";
  session.note(state);
}

/// Notes what can be read from the channel now, without waiting.
inline void note_arrived(Session& session, int reader) {
  char text[100] = {};
  pollfd query{reader, POLLIN, 0};
  const ssize_t size = real::poll(&query, 1, 0) == 1 ? real::read(reader, text, sizeof text) : 0;
  std::string arrived(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  for (char& each : arrived) {
    if (each == '\n') each = '|';
  }
  session.note(arrived.empty() ? "nothing" : arrived);
}

/// A row for every kind of channel that it is about.
struct Situated {
  const char* name;
  unsigned channels;
  const char* expected;
  void (*act)(Session&, const Stdio&, const Ends&);
};

/// The rows, each on every channel that it is about.
inline std::vector<ParityCase> on_channels(std::span<const Situated> rows) {
  std::vector<ParityCase> cases;
  for (const Channel& channel : kChannels) {
    for (const Situated& row : rows) {
      if ((row.channels & channel.kind) == 0) continue;
      cases.push_back({std::string(channel.name) + "_" + row.name, row.expected,
                       [&channel, &row](Session& session) {
                         row.act(session, Stdio(session), channel.open(session));
                       }});
    }
  }
  return cases;
}

}  // namespace colibri::test
