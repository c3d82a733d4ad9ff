// Random reads of 4 KiB from a file, 64 at a time: by colibri's file hooks (what is in memory at
// once, the rest on helper threads, or by the ring engine), and by an io_uring that does nothing
// else, the most that the engine could be worth.
//
//   COLIBRI_ENGINE=io_uring bazel run --config=opt //bench:random_read -- --megabytes=1024
//
// The file lies in --folder, which should be on a disk, and is removed at the end. Prints, of a
// file that is in memory and of one that is not, the time and the CPU time of the process a read.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "colibri/colibri.h"
#include "colibri/core/io_ring.h"

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kBlock = 256 * kPage;

struct Setting {
  std::size_t megabytes = 1024;
  std::size_t readers = 64;
  std::size_t reads = 40'000;
  std::string folder = "/var/tmp";
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Where the reads are, in their order: the same for both ways.
std::vector<off_t> places(const Setting& setting) {
  std::mt19937 random(1);
  std::uniform_int_distribution<off_t> page(
      0, static_cast<off_t>((setting.megabytes << 20) / kPage) - 1);
  std::vector<off_t> result(setting.reads);
  for (off_t& each : result) each = page(random) * static_cast<off_t>(kPage);
  return result;
}

void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

void read_by_hooks(int file, const std::vector<off_t>& at, std::size_t readers) {
  std::size_t next = 0;
  std::vector<colibri::Task<void>> tasks;
  for (std::size_t i = 0; i < readers; ++i) {
    tasks.push_back(colibri::spawn([&] {
      std::array<char, kPage> room;
      while (next < at.size()) {
        if (pread(file, room.data(), kPage, at[next++]) != static_cast<ssize_t>(kPage)) {
          fail("random_read: pread");
        }
      }
    }));
  }
  for (auto& task : tasks) task.join();
}

void read_by_ring(int file, const std::vector<off_t>& at, std::size_t readers) {
  colibri::IoRing ring;
  const std::unique_ptr<char[]> rooms(new char[readers * kPage]);
  std::size_t next = 0;
  const auto submit = [&](std::size_t reader) {
    if (next == at.size()) return;
    io_uring_sqe* entry = ring.next_entry();
    if (entry == nullptr) fail("random_read: no room in the ring");
    entry->opcode = IORING_OP_READ;
    entry->fd = file;
    entry->addr = reinterpret_cast<std::uintptr_t>(rooms.get() + reader * kPage);
    entry->len = kPage;
    entry->off = static_cast<std::uint64_t>(at[next++]);
    entry->user_data = reader;
  };
  for (std::size_t i = 0; i < readers; ++i) submit(i);
  for (std::size_t done = 0; done < at.size();) {
    ring.enter(-1);
    ring.take_completions([&](const io_uring_cqe& completion) {
      if (completion.res != static_cast<int>(kPage)) fail("random_read: read by the ring");
      ++done;
      submit(completion.user_data);
    });
  }
}

template <class Read>
void measure(const char* name, const Setting& setting, const std::vector<off_t>& at, Read read) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  read();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto count = static_cast<double>(at.size());
  std::printf("%-22s %8.2f us a read, %8.2f us of CPU   (%zu at a time)\n", name,
              took.count() * 1e6 / count, (cpu_seconds() - cpu) * 1e6 / count, setting.readers);
  std::fflush(stdout);
}

int run(const Setting& setting) {
  std::string path = setting.folder + "/colibri_random_read_XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) fail("random_read: mkstemp");
  unlink(path.c_str());
  const std::vector<char> block(kBlock, 'x');
  for (std::size_t done = 0; done < setting.megabytes << 20; done += kBlock) {
    if (pwrite(file, block.data(), kBlock, static_cast<off_t>(done)) <= 0)
      fail("random_read: pwrite");
  }
  if (fdatasync(file) != 0) fail("random_read: fdatasync");
  // Reads beside those that were asked for would count for whoever comes second.
  posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
  const std::vector<off_t> at = places(setting);
  const auto by_hooks = [&] { read_by_hooks(file, at, setting.readers); };
  const auto by_ring = [&] { read_by_ring(file, at, setting.readers); };
  measure("in memory, hooks", setting, at, by_hooks);
  measure("in memory, ring", setting, at, by_ring);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  measure("on disk, hooks", setting, at, by_hooks);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  measure("on disk, ring", setting, at, by_ring);
  close(file);
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  CLI::App app("Reads pages of a file at random, by helper threads and by io_uring");
  Setting setting;
  app.add_option("--megabytes", setting.megabytes, "Size of the file")->check(CLI::Range(1, 65536));
  app.add_option("--readers", setting.readers, "Reads at a time")->check(CLI::Range(1, 256));
  app.add_option("--reads", setting.reads, "Reads in all")->check(CLI::Range(1, 10'000'000));
  app.add_option("--folder", setting.folder, "Where the file lies; on a disk");
  CLI11_PARSE(app, argument_count, arguments);
  return colibri::run([&] { return run(setting); });
}
