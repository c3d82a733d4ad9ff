#include "hook/command/coroutine_table.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace colibri {
namespace {

using Row = std::vector<std::string>;

Row split(const std::string& line) {
  Row fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field);
  return fields;
}

/// The place of the column with this heading.
std::size_t column(const Row& heading, const std::string& name) {
  const auto found = std::find(heading.begin(), heading.end(), name);
  if (found == heading.end()) {
    std::string all;
    for (const std::string& each : heading) all += " " + each;
    throw std::runtime_error("there is no column \"" + name + "\"; there are:" + all);
  }
  return static_cast<std::size_t>(found - heading.begin());
}

bool starts_with_digit(const std::string& text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

bool comes_first(const std::string& left, const std::string& right) {
  if (!starts_with_digit(left) && !starts_with_digit(right)) return left < right;
  // What is not known comes last.
  if (!starts_with_digit(left) || !starts_with_digit(right)) return starts_with_digit(left);
  return std::strtod(left.c_str(), nullptr) > std::strtod(right.c_str(), nullptr);
}

/// Columns that count characters, not bytes: words may hold arrows.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string align(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - width(row[i]) + 2, ' ');
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace

std::string format_coroutine_table(const std::string& answer, const TableChoice& choice) {
  std::istringstream lines(answer);
  std::string line;
  std::getline(lines, line);
  const Row heading = split(line);
  const std::size_t state = choice.state.empty() ? 0 : column(heading, "state");
  const std::size_t sort = choice.sort.empty() ? 0 : column(heading, choice.sort);
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    Row row = split(line);
    row.resize(heading.size());
    if (!choice.state.empty() && row[state] != choice.state) continue;
    if (!choice.search.empty() && line.find(choice.search) == std::string::npos) continue;
    rows.push_back(std::move(row));
  }
  if (!choice.sort.empty()) {
    std::stable_sort(rows.begin(), rows.end(), [sort](const Row& left, const Row& right) {
      return comes_first(left[sort], right[sort]);
    });
  }
  const std::size_t found = rows.size();
  if (choice.most != 0 && found > choice.most) rows.resize(choice.most);
  const std::size_t shown = rows.size();
  rows.insert(rows.begin(), heading);
  std::string text = align(rows);
  if (shown < found) text += "… and " + std::to_string(found - shown) + " more\n";
  return text;
}

}  // namespace colibri
