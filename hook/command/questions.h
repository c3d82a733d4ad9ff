// The sub-commands that ask a running process what its coroutines are doing.
//
//   colibri ps PROCESS                  a line a coroutine: --sort, --state, --search, --most
//   colibri bt PROCESS [ID]             the stacks, equal ones together; or that of one coroutine
//   colibri why PROCESS ID              whom it waits for, and whom that one waits for
//   colibri deadlocks PROCESS           circles of those who wait for each other
//   colibri leaks PROCESS               those that nobody can ever wake
//   colibri metrics PROCESS             numbers, as Prometheus reads them
//   colibri top PROCESS                 who runs how long: --seconds, --rounds, --sort, --most
//   colibri trace PROCESS               what ran when, for Perfetto: --seconds, --output
//
// PROCESS is a number, or the path of an admin socket; see core/inspect/inspector.h.
#pragma once

#include <string>

#include "hook/command/coroutine_table.h"

namespace CLI {
class App;
}

namespace colibri {

class Questions {
 public:
  /// Adds the sub-commands to `app`, which must be parsed while this lives.
  explicit Questions(CLI::App& app);
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  /// One of them was given.
  bool asked() const noexcept { return !request_.empty(); }

  /// Asks, and prints the answer. Returns the command's status: 1 with a sentence on standard error
  /// if none came.
  int ask() const;

 private:
  CLI::App& add(CLI::App& app, const char* name, const char* description);
  void watch() const;
  void record() const;
  std::string with_seconds() const;

  std::string process_;
  std::string id_;
  std::string request_;  // the sub-command that was given
  TableChoice choice_;
  unsigned seconds_ = 1;
  unsigned rounds_ = 0;  // of top; 0: without end on a terminal, otherwise one
  std::string output_;
};

}  // namespace colibri
