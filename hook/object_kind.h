// What kind of object code lies in: some are not to be treated as the program's own.
#pragma once

#include <cstdint>

namespace colibri {

enum class ObjectKind : std::uint8_t {
  kExecutable,  // with all that is linked into it statically
  kLibrary,     // any other
  kRuntime,     // libc, libstdc++ and the loader
  // An allocator, a sanitizer or an unwinder: they are entered from anywhere, also where a switch
  // would do harm, and what they keep for a thread is the thread's.
  kServant,
};

/// Of the object that `address` lies in; kExecutable where there is none. Goes by the name of the
/// object's file, and by who defines malloc. Before constructors have run the latter is not known
/// yet. Any thread; takes no lock and no memory.
ObjectKind kind_of_object(const void* address) noexcept;

/// True if malloc is part of the executable. Known once constructors have run. Any thread.
bool executable_has_allocator() noexcept;

}  // namespace colibri
