// Prints the metrics of a program that has done a little of everything, for promtool.
#include <cstdio>

#include "colibri/core/inspect/metrics.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

int main() {
  colibri::enable_metrics();
  return colibri::run([] {
    for (int i = 0; i < 10; ++i) {
      colibri::spawn([] { colibri::sleep_for(std::chrono::milliseconds(1)); }).join();
    }
    std::string text;
    colibri::write_prometheus(text);
    return std::fputs(text.c_str(), stdout) >= 0 ? 0 : 1;
  });
}
