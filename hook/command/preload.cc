#include "hook/command/preload.h"

#include <elf.h>
#include <link.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "hook/command/script.h"

namespace colibri {
namespace {

constexpr int kCannotRun = 2;
constexpr int kNotFound = 127;  // as shells say it
constexpr int kNotExecutable = 126;

constexpr int kMostScripts = 4;  // that the kernel follows, one the interpreter of the other

std::string find_library() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path here = self.parent_path();
  const char* kFile = "libcolibri_preload.so";
  for (const fs::path& path :
       {here / kFile, here / ".." / "lib" / "colibri" / kFile, here / "hook" / kFile,
        fs::path(self.string() + ".runfiles") / "colibri" / "hook" / kFile}) {
    if (fs::exists(path, error)) return fs::canonical(path, error).string();
  }
  return {};
}

/// A program header of `type` in the file.
bool has_segment(std::ifstream& file, const ElfW(Ehdr) & header, std::uint32_t type) {
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment{};
    file.read(reinterpret_cast<char*>(&segment), sizeof segment);
    if (file && segment.p_type == type) return true;
  }
  return false;
}

/// True where the loader distrusts the environment.
bool gains_rights(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return false;
  return ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid()) ||
         ((status.st_mode & S_ISGID) != 0 && status.st_gid != getgid()) ||
         getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

/// Puts the interpreter that env would look up in the place of a script for env, as often as that
/// is one, too: env would start it without the library, which is for this process alone. Returns
/// the file to start.
std::string skip_env(std::string program, std::vector<std::string>& words) {
  for (int i = 0; i < kMostScripts; ++i) {
    if (access(program.c_str(), X_OK) != 0) break;  // for the kernel to refuse
    const auto start = script_start(program);
    const auto interpreter = start ? words_for_env(*start) : std::nullopt;
    const std::string file = interpreter ? find_program(interpreter->front()) : std::string();
    if (file.empty()) break;
    words.front() = program;
    words.insert(words.begin(), interpreter->begin(), interpreter->end());
    program = file;
  }
  return program;
}

/// What the kernel runs for the file: itself, or the interpreter of a script.
std::string program_behind(std::string path) {
  for (int i = 0; i < kMostScripts; ++i) {
    const auto start = script_start(path);
    if (!start) break;
    path = start->interpreter;
  }
  return path;
}

int complain(int status, const std::string& text) {
  std::fprintf(stderr, "colibri: %s\n", text.c_str());
  return status;
}

}  // namespace

std::string find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* path = std::getenv("PATH");
  std::string directories = path != nullptr ? path : "/usr/bin:/bin";
  for (std::size_t begin = 0; begin <= directories.size();) {
    const std::size_t end = std::min(directories.find(':', begin), directories.size());
    // An empty one is the working directory.
    std::string file = end == begin ? "." : directories.substr(begin, end - begin);
    file.append("/").append(program);
    if (access(file.c_str(), X_OK) == 0 && !std::filesystem::is_directory(file)) return file;
    begin = end + 1;
  }
  return {};
}

std::string obstacle(const std::string& file_or_script) {
  const std::string path = program_behind(file_or_script);
  std::ifstream file(path, std::ios::binary);
  ElfW(Ehdr) header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (header.e_ident[EI_CLASS] != ELFCLASS64) {
    return path + " is a 32-bit program, and colibri's library is not";
  }
  if (!has_segment(file, header, PT_INTERP)) {
    return path +
           " is linked statically: its calls cannot be hooked from outside; link it with the "
           "shared libc, or with //hook";
  }
  return gains_rights(path) ? path +
                                  " gains rights when it starts (setuid, setgid or capabilities), "
                                  "and the system preloads nothing into such programs"
                            : std::string();
}

int run_preloaded(std::vector<std::string> words, const PreloadOptions& options) {
  if (words.empty()) return complain(kCannotRun, "no program was named; see colibri --help");
  std::string program = find_program(words.front());
  if (program.empty()) return complain(kNotFound, words.front() + ": not found");
  program = skip_env(program, words);
  if (const std::string why_not = obstacle(program); !why_not.empty()) {
    return complain(kCannotRun, why_not);
  }
  std::error_code ignored;
  const std::string library = options.library.empty()
                                  ? find_library()
                                  : std::filesystem::canonical(options.library, ignored).string();
  if (library.find_first_of(": ") != std::string::npos) {
    return complain(kCannotRun, library + ": LD_PRELOAD takes no path with a colon or a space");
  }
  if (library.empty() || access(library.c_str(), R_OK) != 0) {
    return complain(kCannotRun,
                    "libcolibri_preload.so was not found beside this command, in "
                    "../lib or among its runfiles; name it with --library");
  }
  const char* others = std::getenv("LD_PRELOAD");
  const std::string all = others == nullptr ? library : library + ":" + others;
  setenv("LD_PRELOAD", all.c_str(), 1);
  setenv("COLIBRI_PRELOADED", library.c_str(), 1);
  if (options.examine) setenv("COLIBRI_DOCTOR", "1", 1);
  if (!options.threads.empty()) setenv("COLIBRI_THREADS", options.threads.c_str(), 1);
  if (options.share_thread_variables) setenv("COLIBRI_TLS", "share", 1);
  if (options.seed) setenv("COLIBRI_SEED", std::to_string(*options.seed).c_str(), 1);
  if (!options.stack.empty()) setenv("COLIBRI_STACK", options.stack.c_str(), 1);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  const int error = errno;
  return complain(error == ENOENT ? kNotFound : kNotExecutable,
                  program + ": " + std::strerror(error));
}

}  // namespace colibri
