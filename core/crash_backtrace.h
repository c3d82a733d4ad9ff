// The stack of code that a fault interrupted.
#pragma once

namespace colibri {

/// Writes the frames above the place of the fault to standard error, innermost first, one a line;
/// of very many, the first and the last. For signal handlers of a dying process: the unwinder takes
/// memory for the names, and so may wait for ever for a lock of the allocator. Needs some 16 KiB of
/// stack. `context` is what the handler got.
void write_crash_backtrace(const void* context) noexcept;

}  // namespace colibri
