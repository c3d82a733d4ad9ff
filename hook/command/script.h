// Scripts: which program the kernel starts for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace colibri {

/// The first line of a script.
struct ScriptStart {
  std::string interpreter;  // a path
  std::string argument;     // what follows it, in one piece; may be empty
};

/// Nothing if the file is no script, or cannot be read.
std::optional<ScriptStart> script_start(const std::string& file);

/// For a script that says `#!/usr/bin/env NAME`, or `env -S NAME ARGUMENTS`: the name and the
/// arguments. Nothing where env would have more to do than to look the name up.
std::optional<std::vector<std::string>> words_for_env(const ScriptStart& start);

}  // namespace colibri
