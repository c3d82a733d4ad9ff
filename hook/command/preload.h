// Starting a program with the hooks preloaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace colibri {

/// How a program is to be run.
struct PreloadOptions {
  std::string library;   // its path; empty: beside this executable, in ../lib, or among its
                         // runfiles
  bool examine = false;  // main is not run, and what the hooks reach is printed
  std::string threads;   // "coroutines" or "native:REGEX": threads that the program starts are
                         // coroutines, but for those of such names; empty: they are threads
  bool share_thread_variables = false;  // and their thread-local variables are one for all
  std::optional<std::uint64_t> seed;    // and their order follows from it
  std::string stack;                    // as COLIBRI_STACK; empty: as the environment says
};

/// Replaces this process by `words` (a program and its arguments) with the library preloaded. A
/// script for env is given to its interpreter at once. Returns an exit status only if that cannot
/// be, having said why.
int run_preloaded(std::vector<std::string> words, const PreloadOptions& options);

/// Why the hooks cannot be preloaded into the file, or into its interpreter if it is a script, in
/// words; empty if they can.
std::string obstacle(const std::string& file);

/// The file that `program` means: itself if it has a slash, otherwise what PATH says. Empty if
/// there is none.
std::string find_program(const std::string& program);

}  // namespace colibri
