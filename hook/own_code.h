// What code is colibri's own, in the library that is preloaded.
#pragma once

namespace colibri {

/// True if `address` lies in that library. False everywhere if colibri is linked into the program,
/// where nothing tells the two apart. Known once constructors have run. Any thread; takes no lock
/// and no memory.
bool is_colibris_own(const void* address) noexcept;

}  // namespace colibri
