// The command `colibri`: unmodified programs on coroutines, what the hooks reach in them, and what
// the coroutines of a running process are doing.
//
//   colibri run PROGRAM ARGUMENTS…      runs it with its main in a coroutine and all hooks on
//   colibri doctor PROGRAM              says which of its calls come to colibri; status 1 if some
//                                       do not, 2 if none can
//   colibri ps PROCESS …                and others: see questions.h
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "hook/command/preload.h"
#include "hook/command/questions.h"

int main(int argc, char** argv) {
  std::string library;
  CLI::App app("Runs unmodified programs on coroutines, and looks inside running ones.");
  app.require_subcommand(1);
  app.add_option("--library", library, "the library to preload; else it is looked for");
  CLI::App* run = app.add_subcommand("run", "run a program with its main in a coroutine");
  CLI::App* doctor = app.add_subcommand("doctor", "say which calls of a program are hooked");
  // What follows is the program and its arguments, whatever they look like.
  for (CLI::App* command : {run, doctor}) command->prefix_command();
  colibri::Questions questions(app);
  CLI11_PARSE(app, argc, argv);
  if (questions.asked()) return questions.ask();
  std::vector<std::string> words = (run->parsed() ? run : doctor)->remaining();
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  return colibri::run_preloaded(words, library, doctor->parsed());
}
