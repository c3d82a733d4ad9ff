// The tables of `colibri ps` and `colibri top`.
#pragma once

#include <string>
#include <vector>

namespace colibri {

/// Which rows are shown, and in which order.
struct TableChoice {
  std::string sort = {};    // a column's heading in small letters; numbers are sorted downwards
  std::string state = {};   // only coroutines in it; empty: all
  std::string search = {};  // only rows with this in their name, wait or spawn site; empty: all
  std::size_t most = 0;     // rows; 0: all
};

/// Makes a table for people of a process's answer to "ps" or "top", which is a heading and a line a
/// coroutine, with tabs between. Throws std::runtime_error if there is no such column.
std::string format_coroutine_table(const std::string& answer, const TableChoice& choice);

}  // namespace colibri
