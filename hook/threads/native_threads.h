// Threads of the program that stay threads of the kernel's where all others are coroutines: those
// that compute, and would keep everybody else from running.
#pragma once

namespace colibri::native_threads {

/// From now on they are those whose code has a name in which `pattern` is found, an extended
/// regular expression of POSIX. False if it is none. Once, before there are threads.
bool choose(const char* pattern) noexcept;

/// True for a thread that is to run `code`: by the name of the function, as the dynamic linker
/// knows it, or of the file that it lies in. Any thread.
bool include(const void* code) noexcept;

}  // namespace colibri::native_threads
