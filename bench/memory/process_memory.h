// What the system says this process takes.
#pragma once

#include <cstddef>

namespace colibri::bench {

struct ProcessMemory {
  std::size_t resident_bytes = 0;    // pages in memory
  std::size_t page_table_bytes = 0;  // what the kernel needs to find them; not part of the above
  std::size_t mappings = 0;

  /// As of now. Opens files of /proc.
  static ProcessMemory now();
};

}  // namespace colibri::bench
