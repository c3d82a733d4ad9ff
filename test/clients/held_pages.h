// Pages that are not made before a test lets them.
#pragma once

#include <string>

#include "colibri/core/event.h"
#include "test/clients/temporary_folder.h"

namespace colibri::test {

/// The HTTP server behind nginx's /held/: see nginx_server in servers.h.
class HeldPages {
 public:
  /// Listens at once. Throws std::runtime_error.
  explicit HeldPages(const TemporaryFolder& folder);
  ~HeldPages();
  HeldPages(const HeldPages&) = delete;
  HeldPages& operator=(const HeldPages&) = delete;

  /// Answers requests, each in a coroutine of its own, which waits for the event. To be called in a
  /// coroutine; returns when it is cancelled.
  void serve(const Event& open) const;

  /// What the page at a path is.
  static std::string page(const std::string& path);

 private:
  const int listener_;
};

}  // namespace colibri::test
