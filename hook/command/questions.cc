#include "hook/command/questions.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "hook/command/admin_client.h"

namespace colibri {
namespace {

constexpr std::size_t kMostInTop = 20;
constexpr const char* kClearScreen = "\033[H\033[2J";

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

Questions::Questions(CLI::App& app) {
  CLI::App& table = add(app, "ps", "list the coroutines of a process");
  table.add_option("--state", choice_.state, "only coroutines in this state");
  CLI::App& top = add(app, "top", "show which coroutines run how long");
  for (CLI::App* each : {&table, &top}) {
    each->add_option("--sort", choice_.sort, "a column; numbers downwards");
    each->add_option("--search", choice_.search, "only lines that have this in them");
    each->add_option("--most", choice_.most, "at most so many lines");
  }
  top.add_option("--rounds", rounds_, "so many times; on a terminal, without end unless told");
  CLI::App& trace = add(app, "trace", "record what runs when, for Perfetto");
  trace.add_option("--output", output_, "a file, instead of standard output");
  for (CLI::App* each : {&top, &trace}) {
    each->add_option("--seconds", seconds_, "how long to look, 1 unless told")
        ->check(CLI::Range(1U, 50U));
  }
  CLI::App& stacks = add(app, "bt", "show the stacks of coroutines, equal ones together");
  stacks.add_option("id", id_, "only this coroutine's");
  CLI::App& why = add(app, "why", "show whom a coroutine waits for, and whom that one waits for");
  why.add_option("id", id_, "the coroutine's number, as ps shows it")->required();
  add(app, "deadlocks", "show circles of coroutines that wait for each other");
  add(app, "leaks", "show coroutines that nobody can ever wake");
  add(app, "metrics", "show numbers, as Prometheus reads them");
}

CLI::App& Questions::add(CLI::App& app, const char* name, const char* description) {
  CLI::App* command = app.add_subcommand(name, description);
  command->add_option("process", process_, "its number, or the path of its admin socket")
      ->required();
  command->callback([this, name] { request_ = name; });
  return *command;
}

int Questions::ask() const {
  try {
    if (request_ == "top") {
      watch();
    } else if (request_ == "trace") {
      record();
    } else {
      const std::string answer =
          ask_process(process_, id_.empty() ? request_ : request_ + " " + id_);
      print(request_ == "ps" ? format_coroutine_table(answer, choice_) : answer);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "colibri: %s\n", error.what());
    return 1;
  }
}

std::string Questions::with_seconds() const {
  return request_ + " " + std::to_string(seconds_);
}

void Questions::watch() const {
  const bool on_terminal = ::isatty(STDOUT_FILENO) != 0;
  TableChoice choice = choice_;
  if (choice.sort.empty()) choice.sort = "ms";
  if (choice.most == 0) choice.most = kMostInTop;
  const unsigned rounds = rounds_ == 0 && !on_terminal ? 1 : rounds_;
  for (unsigned round = 0; rounds == 0 || round < rounds; ++round) {
    const std::string text = format_coroutine_table(ask_process(process_, with_seconds()), choice);
    if (on_terminal) print(kClearScreen);
    print(text);
  }
}

void Questions::record() const {
  const std::string trace = ask_process(process_, with_seconds());
  if (output_.empty()) return print(trace);
  std::ofstream file(output_, std::ios::binary);
  file << trace;
  if (!file.flush()) throw std::runtime_error("cannot write " + output_);
}

}  // namespace colibri
