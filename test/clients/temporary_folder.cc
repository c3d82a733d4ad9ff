#include "test/clients/temporary_folder.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "test/clients/server_user.h"

namespace colibri::test {

TemporaryFolder::TemporaryFolder() : path_("/tmp/colibri-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr ||
      (runs_as_root() && chown(path_.c_str(), kServerUser, kServerGroup) != 0)) {
    throw std::system_error(errno, std::generic_category(), path_);
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a server that is being killed may still make files
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& text) const {
  namespace fs = std::filesystem;
  std::ofstream(path(name)) << text;
  fs::permissions(path(name), fs::perms::group_read | fs::perms::others_read,
                  fs::perm_options::add);
  return path(name);
}

std::string TemporaryFolder::read(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream(path(name)).rdbuf();
  return text.str();
}

}  // namespace colibri::test
