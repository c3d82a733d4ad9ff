// A folder for a server's files, which goes with its object.
#pragma once

#include <filesystem>
#include <string>

namespace colibri::test {

/// Below /tmp, so that paths of Unix sockets in it are short enough and other users get there.
/// Where the test runs as root it belongs to the user whom the servers run as; see
/// server_process.h. Throws std::system_error when it cannot be made.
class TemporaryFolder {
 public:
  TemporaryFolder();
  /// Removes it with all that is in it.
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file, which everybody may read, and returns its path.
  std::string write(const std::string& name, const std::string& text) const;
  /// What is in a file; empty if there is none.
  std::string read(const std::string& name) const;

 private:
  std::string path_;
};

}  // namespace colibri::test
