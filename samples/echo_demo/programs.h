// Where the programs are, and where they are to run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace echo_demo {

/// The program that Bazel has built as `path` below the workspace: among the runfiles next to this
/// program or around it. Throws std::runtime_error, with a sentence, when it is not there.
std::filesystem::path find_program(const std::string& path);

struct Cores {
  std::optional<int> server;  // nothing: wherever the kernel likes
  std::optional<int> load;
};

/// Two that this process may use: the servers on one, the load on the other, so that neither takes
/// the other's time. Nothing when there is one only.
Cores choose_cores();

}  // namespace echo_demo
