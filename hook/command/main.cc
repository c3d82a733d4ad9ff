// The command `colibri`: unmodified programs on coroutines, what the hooks reach in them, and what
// the coroutines of a running process are doing.
//
//   colibri run PROGRAM ARGUMENTS…      runs it with its main in a coroutine and all hooks on
//   colibri doctor PROGRAM              says which of its calls come to colibri; status 1 if some
//                                       do not, 2 if none can
//   colibri ps PROCESS                  a line a coroutine: --sort, --state, --search, --most
//   colibri bt PROCESS [ID]             the stacks, equal ones together; or that of one coroutine
//   colibri why PROCESS ID              whom it waits for, and whom that one waits for
//   colibri deadlocks PROCESS           circles of those who wait for each other
//   colibri leaks PROCESS               those that nobody can ever wake
//
// PROCESS is a number, or the path of an admin socket; see core/inspect/inspector.h.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "hook/command/admin_client.h"
#include "hook/command/coroutine_table.h"
#include "hook/command/preload.h"

namespace {

/// Sub-commands that ask a process.
struct Questions {
  std::string process;
  std::string id;
  colibri::TableChoice choice;
  std::string request;  // of the one that was given

  void add_to(CLI::App& app);
  int ask() const;

 private:
  CLI::App& add(CLI::App& app, const char* name, const char* description) {
    CLI::App* command = app.add_subcommand(name, description);
    command->add_option("process", process, "its number, or the path of its admin socket")
        ->required();
    command->callback([this, name] { request = name; });
    return *command;
  }
};

void Questions::add_to(CLI::App& app) {
  CLI::App& table = add(app, "ps", "list the coroutines of a process");
  table.add_option("--sort", choice.sort, "a column; numbers downwards");
  table.add_option("--state", choice.state, "only coroutines in this state");
  table.add_option("--search", choice.search, "only lines that have this in them");
  table.add_option("--most", choice.most, "at most so many lines");
  CLI::App& stacks =
      add(app, "bt", "show the stacks of a process's coroutines, equal ones together");
  stacks.add_option("id", id, "only this coroutine's");
  CLI::App& why = add(app, "why", "show whom a coroutine waits for, and whom that one waits for");
  why.add_option("id", id, "the coroutine's number, as ps shows it")->required();
  add(app, "deadlocks", "show circles of coroutines that wait for each other");
  add(app, "leaks", "show coroutines that nobody can ever wake");
}

int Questions::ask() const {
  try {
    std::string answer = colibri::ask_process(process, id.empty() ? request : request + " " + id);
    if (request == "ps") answer = colibri::format_coroutine_table(answer, choice);
    std::fputs(answer.c_str(), stdout);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "colibri: %s\n", error.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string library;
  CLI::App app("Runs unmodified programs on coroutines, and looks inside running ones.");
  app.require_subcommand(1);
  app.add_option("--library", library, "the library to preload; else it is looked for");
  CLI::App* run = app.add_subcommand("run", "run a program with its main in a coroutine");
  CLI::App* doctor = app.add_subcommand("doctor", "say which calls of a program are hooked");
  // What follows is the program and its arguments, whatever they look like.
  for (CLI::App* command : {run, doctor}) command->prefix_command();
  Questions questions;
  questions.add_to(app);
  CLI11_PARSE(app, argc, argv);
  if (!questions.request.empty()) return questions.ask();
  std::vector<std::string> words = (run->parsed() ? run : doctor)->remaining();
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  return colibri::run_preloaded(words, library, doctor->parsed());
}
