// The command `colibri`: unmodified programs on coroutines, what the hooks reach in them, and what
// the coroutines of a running process are doing.
//
//   colibri run PROGRAM ARGUMENTS…      runs it with its main in a coroutine and all hooks on
//   colibri run --threads=coroutines PROGRAM ARGUMENTS…
//                                       its threads are coroutines, too
//   colibri doctor PROGRAM              says which of its calls come to colibri; status 1 if some
//                                       do not, 2 if none can
//   colibri ps PROCESS …                and others: see questions.h
//   colibri --version                   says which colibri it is of
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "colibri/core/version.h"
#include "hook/command/preload.h"
#include "hook/command/questions.h"

int main(int argc, char** argv) {
  colibri::PreloadOptions options;
  std::string threads = "native";
  std::string variables = "copy";
  CLI::App app("Runs unmodified programs on coroutines, and looks inside running ones.");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("colibri ") + colibri::version(),
                       "print the version and exit");
  app.add_option("--library", options.library, "the library to preload; else it is looked for");
  CLI::App* run = app.add_subcommand("run", "run a program with its main in a coroutine");
  run->add_option("--threads", threads, "what threads of the program are: coroutines or native")
      ->check(CLI::IsMember({"coroutines", "native"}));
  run->add_option("--stack", options.stack,
                  "where those threads run: private:SIZE, shared:COUNTxSIZE; see COLIBRI_STACK");
  run->add_option(
         "--tls", variables,
         "thread-local variables: a copy for each of those threads, or one that they share")
      ->check(CLI::IsMember({"copy", "share"}));
  CLI::App* doctor = app.add_subcommand("doctor", "say which calls of a program are hooked");
  // What follows is the program and its arguments, whatever they look like.
  for (CLI::App* command : {run, doctor}) command->prefix_command();
  colibri::Questions questions(app);
  CLI11_PARSE(app, argc, argv);
  if (questions.asked()) return questions.ask();
  std::vector<std::string> words = (run->parsed() ? run : doctor)->remaining();
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  options.examine = doctor->parsed();
  options.coroutine_threads = threads == "coroutines";
  options.share_thread_variables = variables == "share";
  return colibri::run_preloaded(words, options);
}
