// The hook doctor: which calls of the loaded program come to colibri, and which go past it, and
// why.
#pragma once

#include <string>
#include <vector>

namespace colibri::hook {

/// Why an object's calls of a name do not come to colibri.
enum class Escape {
  kHidden,     // colibri's definition is not visible outside the object that it is linked into
  kBehind,     // another library that defines the name, libc for one, stands before colibri
  kDeepBound,  // the object looks into its own libraries first (RTLD_DEEPBIND, DF_SYMBOLIC)
  kOwn,        // the object has a definition of its own, as from a static libc
};

/// A name that an object calls past colibri.
struct EscapedName {
  std::string name;    // as the object writes it
  Escape reason;       // why it escapes
  std::string target;  // the object whose definition is called instead
};

/// What one loaded object does.
struct ObjectReport {
  std::string path;                  // its file
  std::vector<std::string> hooked;   // names it calls that come to colibri
  std::vector<EscapedName> escaped;  // names that do not
  /// System calls that may block, made without libc, by their numbers; found by the instructions'
  /// pattern, so that data which looks like code counts, too.
  std::vector<int> raw_system_calls;
  /// What it uses of stdio that waits in libc, whatever the hooks do: stdin, and functions of wide
  /// characters, which streams of colibri's refuse.
  std::vector<std::string> blocking_stdio = {};
  /// What its thread-local variables take: of each thread, also of one that is a coroutine. 0 for
  /// libstdc++, allocators and their kind, whose are the system thread's.
  std::size_t thread_variable_bytes = 0;
};

struct Report {
  /// Those that call hooked names, make raw calls or have thread-local variables.
  std::vector<ObjectReport> objects;

  /// No call escapes, as far as can be seen. Raw calls do not count: most are harmless.
  bool complete() const noexcept;
  /// In words, with the remedy.
  std::string text() const;
};

/// Looks at all objects that are loaded now, and must stay so meanwhile. Any thread; not from
/// signal handlers. libc's calls to itself (getaddrinfo's traffic, the reads of its own streams)
/// never come to anybody, and are not listed. Throws std::bad_alloc.
Report report();

}  // namespace colibri::hook
