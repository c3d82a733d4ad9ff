#include "hook/command/script.h"

#include <array>
#include <fstream>
#include <sstream>

namespace colibri {
namespace {

constexpr const char* kBlanks = " \t";

/// Without blanks at both ends.
std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

std::optional<ScriptStart> script_start(const std::string& file) {
  std::array<char, 256> bytes;  // as much as the kernel looks at
  std::ifstream stream(file, std::ios::binary);
  stream.read(bytes.data(), bytes.size());
  const std::string beginning(bytes.data(), static_cast<std::size_t>(stream.gcount()));
  if (beginning.compare(0, 2, "#!") != 0) return std::nullopt;
  const std::string line = trimmed(beginning.substr(2, beginning.find('\n') - 2));
  const std::size_t end = line.find_first_of(kBlanks);
  if (line.empty()) return std::nullopt;
  return ScriptStart{line.substr(0, end),
                     end == std::string::npos ? std::string() : trimmed(line.substr(end))};
}

std::optional<std::vector<std::string>> words_for_env(const ScriptStart& start) {
  if (start.interpreter.substr(start.interpreter.rfind('/') + 1) != "env") return std::nullopt;
  const bool split = start.argument.compare(0, 2, "-S") == 0;
  std::istringstream rest(split ? start.argument.substr(2) : start.argument);
  std::vector<std::string> words;
  for (std::string word; rest >> word;) words.push_back(word);
  // Quotes and variables are env's own, and so are options and assignments before the name.
  const bool plain = start.argument.find_first_of("\"'\\$#") == std::string::npos;
  if (!plain || words.empty() || (words.size() > 1 && !split)) return std::nullopt;
  if (words.front().front() == '-' || words.front().find('=') != std::string::npos) {
    return std::nullopt;
  }
  return words;
}

}  // namespace colibri
