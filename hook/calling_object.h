// Who calls a lock hook: the library that a return address lies in.
#pragma once

namespace colibri {

/// True if a wait of the code at `address` may park the coroutine. False outside coroutines, while
/// hooks pass through, and in objects whose locks never park: allocators, sanitizers and unwinders.
/// These hold their locks for moments, and are entered from anywhere, also where a switch would do
/// harm. Takes no lock and no memory. An allocator that is part of the executable itself cannot be
/// told from the program.
bool may_park_caller(const void* address) noexcept;

}  // namespace colibri
