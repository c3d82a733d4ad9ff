// Thread-local variables, as the loader knows them: a block for each object that has some.
#pragma once

#include <link.h>

#include <cstddef>

namespace colibri {

/// How the variables of one object begin, in every thread.
struct ThreadDataImage {
  const char* bytes = nullptr;
  std::size_t given = 0;  // so many bytes; the rest is zero
  std::size_t size = 0;   // 0: the object has no such variables
};

/// Of a loaded object, as dl_iterate_phdr tells of it.
ThreadDataImage thread_data_image(const dl_phdr_info& object) noexcept;

/// From now on each coroutine has the variables of the program and its libraries to itself; libc's,
/// libstdc++'s, colibri's and those of allocators and their kind are the thread's for ever.
void give_thread_data_to_coroutines() noexcept;

/// As said so far of `object`. Any thread; takes no lock and no memory.
bool thread_data_is_of_coroutines(const dl_phdr_info& object) noexcept;

/// True if `address` lies in variables of the calling thread that are not each coroutine's own: an
/// object of the thread's, whoever hands it over. Asks the loader, under its lock; takes no memory.
bool lies_in_thread_data(const void* address) noexcept;

}  // namespace colibri
