// What a hook costs where it has nothing to do: a read of one byte of /dev/zero, by libc's own
// function and by the hook, outside any coroutine and inside one.
//
//   bazel run --config=opt //bench/hook:passthrough_bench -- --rounds=2001 --reads=500
//
// Both take turns in short rounds, so that whatever disturbs the machine disturbs both; the ratio
// is the median of the rounds' own. "libc again" is libc's function once more, in the hook's place:
// how far from 1 chance alone can be.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "colibri/core/libc.h"
#include "colibri/core/run.h"

namespace {

using Clock = std::chrono::steady_clock;
using Read = ssize_t (*)(int, void*, size_t);

struct Setting {
  int rounds = 2001;
  int reads = 500;  // in each round, by each
};

/// Nanoseconds a read, in a round of them.
double time_reads(Read read, int file, int reads) {
  char byte;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < reads; ++i) read(file, &byte, 1);
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / reads;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void compare(const char* name, Read first, Read second, int file, const Setting& setting) {
  std::vector<double> of_first;
  std::vector<double> of_second;
  std::vector<double> ratios;
  for (int round = 0; round < setting.rounds; ++round) {
    // Who goes first changes, since the first of two pays for what came before.
    const bool swapped = round % 2 != 0;
    const double one = time_reads(swapped ? second : first, file, setting.reads);
    const double two = time_reads(swapped ? first : second, file, setting.reads);
    of_first.push_back(swapped ? two : one);
    of_second.push_back(swapped ? one : two);
    ratios.push_back(of_second.back() / of_first.back());
  }
  std::printf("%-26s libc %.1f ns   %.1f ns   ratio %.3f\n", name, median(of_first),
              median(of_second), median(ratios));
}

void compare_all(const Setting& setting) {
  const int file = colibri::real::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  const Read libc = colibri::real::read.get();
  // By a pointer, as libc's, so that both are called alike.
  Read volatile hook = &::read;
  compare("libc again", libc, libc, file, setting);
  compare("hook outside a coroutine", libc, hook, file, setting);
  colibri::run([&] { compare("hook in a coroutine", libc, hook, file, setting); });
  colibri::real::close(file);
}

}  // namespace

int main(int argument_count, char** arguments) {
  CLI::App app("What a hooked read costs beside libc's");
  Setting setting;
  app.add_option("--rounds", setting.rounds, "Rounds");
  app.add_option("--reads", setting.reads, "Reads by each in a round");
  CLI11_PARSE(app, argument_count, arguments);
  compare_all(setting);
  return 0;
}
