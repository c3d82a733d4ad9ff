// Starting a program with the hooks preloaded.
#pragma once

#include <string>
#include <vector>

namespace colibri {

/// Replaces this process by `words` (a program and its arguments) with the library preloaded; with
/// `examine`, the program's main is not run, and what the hooks reach is printed. `library`: its
/// path; empty: beside this executable, in ../lib, or among its runfiles. A script for env is given
/// to its interpreter at once. Returns an exit status only if that cannot be, having said why.
int run_preloaded(std::vector<std::string> words, const std::string& library, bool examine);

/// Why the hooks cannot be preloaded into the file, or into its interpreter if it is a script, in
/// words; empty if they can.
std::string obstacle(const std::string& file);

/// The file that `program` means: itself if it has a slash, otherwise what PATH says. Empty if
/// there is none.
std::string find_program(const std::string& program);

}  // namespace colibri
