// What the things that are waited for can say of themselves, to people who look inside.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colibri {

class BiasedLock;

/// Answers about one thing, as of the moment of the question.
struct WaitFacts {
  const char* name = nullptr;  // null: it has none
  /// Who has it, and must give it up before anybody gets on: a coroutine's control block, or, with
  /// kOfThread set, what stands for a plain thread; 0: nobody, or that is not known. Not to be
  /// looked into without care: an owner may have ended without giving it up.
  std::uintptr_t owner = 0;
  static constexpr std::uintptr_t kOfThread = 2;
  /// A number that matters, and what it counts: "permits", "readers"; null: there is none.
  const char* counted = nullptr;
  std::size_t count = 0;
  std::size_t most = 0;     // what the number may be at most; 0: no such bound
  std::size_t handles = 0;  // to the thing, in the whole process; 0: that is not known
  char note[80] = "";       // free text
};

/// A kind of thing; a constant. Costs its waits nothing: queues point to it.
struct WaitedThing {
  const char* kind;        // "mutex"
  const char* doing = "";  // "send", where there are several ways to wait for it
  /// Called under `lock`, which is the first member of the thing. Null: there is nothing to add.
  void (*look)(BiasedLock& lock, WaitFacts& facts) noexcept = nullptr;
  /// What is waited for comes from coroutines, or from threads of the program's, and from nobody
  /// else: never from colibri's own threads or from the kernel.
  bool by_flows_alone = true;
};

}  // namespace colibri
