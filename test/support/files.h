// Files for the tests of calls on them: what they hold, where they stand, and how large they may
// be.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "test/support/libc_parity.h"

namespace colibri::test {

/// A folder for a scope, where the test may write.
class Folder {
 public:
  Folder();
  /// Removes the files that were asked for, and the folder.
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// The path of a file in it, which the caller makes.
  std::string file(const std::string& name);

 private:
  std::string path_;
  std::vector<std::string> files_;
};

/// An open file with this text, at its beginning, of which no page is in memory if that can be had.
/// The session's.
int cold_file(Session& session, const std::string& path, const std::string& text,
              int flags = O_RDWR);

/// So many bytes, each page another letter.
std::string pattern(std::size_t size);

/// Notes the position.
void note_where(Session& session, int file);

/// For a scope no file may become larger than `size` bytes, and SIGXFSZ is counted.
class SmallFilesOnly {
 public:
  SmallFilesOnly(Session& session, rlim_t size);
  ~SmallFilesOnly();
  SmallFilesOnly(const SmallFilesOnly&) = delete;
  SmallFilesOnly& operator=(const SmallFilesOnly&) = delete;

  /// Notes how many signals there were.
  void note_signals() const;

 private:
  Session& session_;
  struct sigaction action_before_ {};
  rlimit limit_before_{};
};

}  // namespace colibri::test
