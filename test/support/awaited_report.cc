#include "test/support/awaited_report.h"

#include <unistd.h>

#include <utility>

namespace colibri::test {

AwaitedReport::AwaitedReport(std::string part)
    : part_(std::move(part)), watcher_([this] { watch(); }) {}

AwaitedReport::~AwaitedReport() {
  ended_ = true;
  watcher_.join();
}

void AwaitedReport::watch() {
  while (!ended_ && !there_) {
    there_ = captured_.text().find(part_) != std::string::npos;
    usleep(1000);
  }
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace colibri::test
