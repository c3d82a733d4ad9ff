// Who waits for whom: the chain that begins at one coroutine, and chains that bite their tails.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "colibri/core/inspect/awaited.h"

namespace colibri {

/// One coroutine of a chain, and what it waits for.
struct WaitLinkInfo {
  std::uint64_t id = 0;               // the coroutine's
  std::string name = {};              // may be empty
  std::vector<Awaited> awaited = {};  // empty: it does not wait
  std::string wait = {};              // all that in words
};

/// From a coroutine to the one that holds what it waits for, and so on, as long as each waits for a
/// single thing, and its holder is known and is of the same scheduler.
struct WaitChain {
  std::vector<WaitLinkInfo> links;  // empty: there is no such coroutine
  /// The last link waits for one of the chain: none of those from there on will ever run, unless
  /// its wait ends by itself.
  bool is_cycle = false;
  std::size_t cycle_begin = 0;  // the index of that one
};

/// On the thread of the coroutine's scheduler; as one moment saw it. Looks for each link among all
/// coroutines. Throws std::bad_alloc.
WaitChain wait_chain(std::uint64_t id);

/// The same in words, a line a link and a sentence about the end.
std::string why(std::uint64_t id);
std::string to_string(const WaitChain& chain);

/// All cycles among the coroutines of the calling thread's scheduler, each from its smallest id on,
/// of which none can end by itself: no wait in them has a deadline. Others run between slices where
/// the caller is a coroutine: those in a cycle do not. Throws std::bad_alloc.
std::vector<WaitChain> find_cycles();

}  // namespace colibri
