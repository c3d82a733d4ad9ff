#include "test/support/files.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "colibri/core/libc.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

constinit std::atomic<int> size_signals{0};

}  // namespace

Folder::Folder() {
  const char* root = getenv("TEST_TMPDIR");
  path_ = std::string(root != nullptr ? root : "/var/tmp") + "/XXXXXX";
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

Folder::~Folder() {
  for (const std::string& each : files_) unlink(each.c_str());
  rmdir(path_.c_str());
}

std::string Folder::file(const std::string& name) {
  files_.push_back(path_ + "/" + name);
  return files_.back();
}

int cold_file(Session& session, const std::string& path, const std::string& text, int flags) {
  const int file = session.own(real::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_EQ(pwrite(file, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  real::syscall(SYS_fdatasync, file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  return file;
}

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i / 4096 % 26);
  return text;
}

void note_where(Session& session, int file) {
  session.note("at " + std::to_string(lseek(file, 0, SEEK_CUR)));
}

SmallFilesOnly::SmallFilesOnly(Session& session, rlim_t size) : session_(session) {
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) { ++size_signals; };
  size_signals = 0;
  // A loop's first timed wait makes Valgrind write a warning, to a file that is limited, too.
  if (in_valgrind()) session.libc.usleep(100'000);
  session.libc.sigaction(SIGXFSZ, &action, &action_before_);
  getrlimit(RLIMIT_FSIZE, &limit_before_);
  const rlimit small{size, limit_before_.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
}

SmallFilesOnly::~SmallFilesOnly() {
  setrlimit(RLIMIT_FSIZE, &limit_before_);
  session_.libc.sigaction(SIGXFSZ, &action_before_, nullptr);
}

void SmallFilesOnly::note_signals() const {
  real::poll(nullptr, 0, 0);  // Valgrind lets signals in during calls that may wait
  session_.note(std::to_string(size_signals) + " signals");
}

}  // namespace colibri::test
