// Coroutines read a file that is not in memory, beside a coroutine that wakes up every millisecond:
// how late it does, and how late when nobody reads.
//
//   bazel run --config=opt //bench:cold_file -- --megabytes=1024 --readers=64
//
// The file lies in --folder, which should be on a disk, and is removed at the end. "blocking" reads
// it the same way under HookBypass, as a program without colibri's file hooks would.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "colibri/colibri.h"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t kBlock = 256 * 1024;

struct Setting {
  std::size_t megabytes = 1024;
  int readers = 64;
  std::string folder = "/var/tmp";
};

/// Fills the file, and has the kernel forget it.
bool make_cold(int file, std::size_t bytes) {
  const std::vector<char> block(kBlock, 'x');
  for (std::size_t done = 0; done < bytes; done += kBlock) {
    if (pwrite(file, block.data(), kBlock, static_cast<off_t>(done)) <= 0) return false;
  }
  return fdatasync(file) == 0;
}

void forget(int file) {
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

/// How late a coroutine wakes up that sleeps until every next millisecond, until it is told to end.
std::vector<double> tick_until(const std::shared_ptr<bool>& end) {
  std::vector<double> lateness;
  for (Clock::time_point due = Clock::now(); !*end;) {
    due += microseconds(1000);
    colibri::sleep_for(due - Clock::now());
    const auto late = std::chrono::duration<double, std::milli>(Clock::now() - due).count();
    lateness.push_back(late);
    if (late > 1) due = Clock::now();
  }
  return lateness;
}

/// One reader's blocks: every `readers`-th.
void read_blocks(int file, std::size_t bytes, std::size_t first, std::size_t step, bool blocking) {
  const std::unique_ptr<char[]> room(new char[kBlock]);
  for (std::size_t at = first * kBlock; at < bytes; at += step * kBlock) {
    if (blocking) {
      const colibri::HookBypass bypass;
      if (pread(file, room.get(), kBlock, static_cast<off_t>(at)) <= 0) return;
    } else if (pread(file, room.get(), kBlock, static_cast<off_t>(at)) <= 0) {
      return;
    }
    if (blocking) colibri::yield();
  }
}

void report(const char* name, std::vector<double> lateness, double seconds, std::size_t bytes) {
  std::sort(lateness.begin(), lateness.end());
  const auto at = [&](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(lateness.size() - 1));
    return lateness.empty() ? 0.0 : lateness[index];
  };
  std::printf("%-12s %6zu ticks   late by ms: median %.3f  p99 %.3f  most %.3f", name,
              lateness.size(), at(0.5), at(0.99), at(1));
  if (bytes != 0) std::printf("   %.0f MB/s", static_cast<double>(bytes) / seconds / 1e6);
  std::printf("\n");
}

/// Runs `readers` (none: for two seconds) beside the ticker.
void run_once(const char* name, int file, const Setting& setting, int readers, bool blocking) {
  const std::size_t bytes = setting.megabytes << 20;
  const auto end = std::make_shared<bool>(false);
  auto ticker = colibri::spawn(tick_until, end);
  colibri::sleep_for(std::chrono::milliseconds(50));
  const Clock::time_point start = Clock::now();
  if (readers == 0) colibri::sleep_for(std::chrono::seconds(2));
  std::vector<colibri::Task<void>> tasks;
  for (int i = 0; i < readers; ++i) {
    tasks.push_back(colibri::spawn([=] {
      read_blocks(file, bytes, static_cast<std::size_t>(i), static_cast<std::size_t>(readers),
                  blocking);
    }));
  }
  for (auto& task : tasks) task.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  *end = true;
  report(name, ticker.join(), seconds, readers == 0 ? 0 : bytes);
}

int run(const Setting& setting) {
  std::string path = setting.folder + "/colibri_cold_file_XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) return 1;
  unlink(path.c_str());
  if (!make_cold(file, setting.megabytes << 20)) {
    std::perror("cold_file: cannot write the file");
    return 1;
  }
  run_once("undisturbed", file, setting, 0, false);
  forget(file);
  run_once("helpers", file, setting, setting.readers, false);
  run_once("in memory", file, setting, setting.readers, false);
  forget(file);
  run_once("blocking", file, setting, setting.readers, true);
  close(file);
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  CLI::App app("Reads a cold file by coroutines beside a ticker");
  Setting setting;
  app.add_option("--megabytes", setting.megabytes, "Size of the file");
  app.add_option("--readers", setting.readers, "Coroutines that read");
  app.add_option("--folder", setting.folder, "Where the file lies; on a disk");
  CLI11_PARSE(app, argument_count, arguments);
  return colibri::run([&] { return run(setting); });
}
