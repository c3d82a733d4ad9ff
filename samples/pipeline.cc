// A pipeline: stages that work at once, each a coroutine, with channels between them.
//
//   bazel run --config=opt //samples:pipeline
//
// The end of the stream travels down by itself: who has received everything closes what it sends
// to. A slow stage holds up those before it, since a channel has room for so many. Prints:
//
// words:    a, man, a, plan, a, canal, panama
// lengths:  1 3 1 4 1 5 6
// 7 words, 21 letters; never more than 2 read ahead
#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>

#include "colibri/colibri.h"

namespace {

constexpr std::size_t kRoom = 2;

/// A stage: calls `work(value, next)` for every value that comes, and closes `next` after the last.
template <class In, class Out, class Work>
colibri::Channel<Out> stage(const colibri::Channel<In>& in, Work work) {
  colibri::Channel<Out> out(kRoom);
  colibri::go([in, out, work] {
    for (In& value : in) work(std::move(value), out);
    out.close();
  });
  return out;
}

/// The first stage: the text's lines.
colibri::Channel<std::string> lines_of(const std::string& text) {
  colibri::Channel<std::string> lines(kRoom);
  colibri::go([lines, text] {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.send(std::move(line));
    lines.close();
  });
  return lines;
}

void run_pipeline() {
  const auto lines = lines_of("a man\na plan\na canal\npanama");
  const auto words = stage<std::string, std::string>(
      lines, [](const std::string& line, const colibri::Channel<std::string>& next) {
        std::istringstream stream(line);
        for (std::string word; stream >> word;) next.send(std::move(word));
      });
  std::size_t most_ahead = 0;
  std::string seen;
  const auto lengths = stage<std::string, std::size_t>(
      words, [&](const std::string& word, const colibri::Channel<std::size_t>& next) {
        most_ahead = std::max(most_ahead, words.size());
        seen += (seen.empty() ? "" : ", ") + word;
        next.send(word.size());
      });
  std::string numbers;
  std::size_t count = 0;
  std::size_t letters = 0;
  for (const std::size_t length : lengths) {
    numbers += " " + std::to_string(length);
    ++count;
    letters += length;
  }
  std::printf("words:    %s\nlengths: %s\n", seen.c_str(), numbers.c_str());
  std::printf("%zu words, %zu letters; never more than %zu read ahead\n", count, letters,
              most_ahead);
}

}  // namespace

int main() {
  return colibri::run(run_pipeline);
}
