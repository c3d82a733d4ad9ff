// The command `colibri`: unmodified programs on coroutines, what the hooks reach in them, and what
// the coroutines of a running process are doing.
//
//   colibri run PROGRAM ARGUMENTS…      runs it with its main in a coroutine and all hooks on
//   colibri run --threads=coroutines PROGRAM ARGUMENTS…
//                                       its threads are coroutines, too
//   colibri run --threads=native:REGEX PROGRAM ARGUMENTS…
//                                       but for those with such names
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

namespace {

/// What is wrong with it; empty: nothing.
std::string is_choice_of_threads(const std::string& text) {
  if (text == "coroutines" || text == "native" || text.starts_with("native:")) return {};
  return "neither coroutines nor native nor native:REGEX: " + text;
}

}  // namespace

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
  run->add_option(
         "--threads", threads,
         "what threads of the program are: coroutines; native; or native:REGEX, coroutines "
         "but for those whose start function or file has such a name")
      ->check(is_choice_of_threads);
  run->add_option("--stack", options.stack,
                  "where those threads run: private:SIZE, shared:COUNTxSIZE; see COLIBRI_STACK");
  run->add_option(
         "--tls", variables,
         "thread-local variables: a copy for each of those threads, or one that they share")
      ->check(CLI::IsMember({"copy", "share"}));
  run->add_option("--seed", options.seed,
                  "the order in which those threads run follows from this number");
  CLI::App* doctor = app.add_subcommand("doctor", "say which calls of a program are hooked");
  // What follows is the program and its arguments, whatever they look like.
  for (CLI::App* command : {run, doctor}) command->prefix_command();
  colibri::Questions questions(app);
  CLI11_PARSE(app, argc, argv);
  if (questions.asked()) return questions.ask();
  std::vector<std::string> words = (run->parsed() ? run : doctor)->remaining();
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  options.examine = doctor->parsed();
  if (threads != "native") options.threads = threads;
  options.share_thread_variables = variables == "share";
  return colibri::run_preloaded(words, options);
}
