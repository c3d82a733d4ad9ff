// Addresses of thread_local variables.
#pragma once

namespace colibri {

/// True if `address` lies in a block of thread-local storage of the calling thread: an object of
/// the thread's, whoever hands it over. Asks the loader, under its lock; takes no memory.
bool lies_in_thread_data(const void* address) noexcept;

}  // namespace colibri
