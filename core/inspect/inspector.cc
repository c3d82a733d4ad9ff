#include "colibri/core/inspect/inspector.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include "colibri/core/inspect/admin_answer.h"
#include "colibri/core/inspect/admin_socket.h"
#include "colibri/core/libc.h"
#include "colibri/core/log.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/scheduler_list.h"
#include "colibri/core/signals_blocked.h"
#include "colibri/core/small_lock.h"

namespace colibri {
namespace {

constexpr const char* kAdminVariable = "COLIBRI_ADMIN";
constexpr const char* kSignalVariable = "COLIBRI_DUMP_SIGNAL";

/// The thread and what it listens to. It never ends, and neither does this.
class Inspector {
 public:
  static Inspector& instance() {
    static auto* const inspector = new Inspector;
    return *inspector;
  }

  void open(const std::string& path) {
    close();
    auto socket = std::make_shared<AdminSocket>(path);
    start();
    {
      const SmallLockGuard guard(lock_);
      socket_ = std::move(socket);
    }
    wake();
  }

  void close() noexcept {
    std::shared_ptr<AdminSocket> socket;
    {
      const SmallLockGuard guard(lock_);
      socket.swap(socket_);
    }
    if (socket == nullptr) return;
    socket->take_path_away();
    wake();
  }

  void dump_on(int signal) {
    start();
    struct sigaction action {};
    action.sa_handler = [](int /*signal*/) { instance().want_dump(); };
    // It must not end a call of the program's, nor need room on a coroutine's stack.
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    if (real::sigaction(signal, &action, nullptr) != 0) {
      throw std::system_error(errno, std::generic_category(), "dump_on_signal");
    }
  }

 private:
  Inspector() {
    // Its handlers for forks must come before ours: what we do in a child relies on them.
    Scheduler::watch_forks();
    pthread_atfork([] { instance().lock_.lock(); }, [] { instance().lock_.unlock(); },
                   [] { instance().restart_in_child(); });
  }

  void start() {
    const SmallLockGuard guard(lock_);
    if (running_) return;
    if (wake_.number() < 0) wake_.adopt(real::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    const SignalsBlocked blocked;
    std::thread([this] { serve(); }).detach();
    running_ = true;
  }

  void serve() noexcept {
    for (;;) {
      const std::shared_ptr<AdminSocket> socket = present_socket();
      pollfd wanted[2] = {{wake_.number(), POLLIN, 0},
                          {socket != nullptr ? socket->descriptor() : -1, POLLIN, 0}};
      real::poll(wanted, 2, -1);
      eventfd_t count = 0;
      real::read(wake_.number(), &count, sizeof count);
      if (dump_wanted_.exchange(false)) write_dump();
      if (socket != nullptr && wanted[1].revents != 0) serve_client(*socket);
    }
  }

  std::shared_ptr<AdminSocket> present_socket() noexcept {
    const SmallLockGuard guard(lock_);
    return socket_;
  }

  static void serve_client(AdminSocket& socket) noexcept {
    const int client = socket.accept();
    if (client < 0) return;
    std::string request;
    if (read_request(client, request)) {
      try {
        send_answer(client, answer_admin_request(request));
      } catch (const std::exception& error) {
        send_answer(client, "error: ");
        send_answer(client, error.what());
      }
    }
    real::close(client);
  }

  static void write_dump() noexcept {
    try {
      const std::string text = answer_admin_request("dump").substr(kAdminSuccess.size());
      for (std::size_t written = 0; written < text.size();) {
        const ssize_t size =
            real::write(STDERR_FILENO, text.data() + written, text.size() - written);
        if (size <= 0) return;
        written += static_cast<std::size_t>(size);
      }
    } catch (const std::exception& error) {
      log(LogLevel::kError, std::string("the dump failed: ") + error.what());
    }
  }

  /// Signal handlers, too.
  void want_dump() noexcept {
    const int saved_errno = errno;
    dump_wanted_.store(true);
    wake();
    errno = saved_errno;
  }

  void wake() noexcept {
    const eventfd_t one = 1;
    real::write(wake_.number(), &one, sizeof one);
  }

  /// The thread stayed with the parent, and so did the path.
  void restart_in_child() noexcept {
    ::new (&lock_) SmallLock;
    running_ = false;
    if (socket_ != nullptr) socket_->forget_in_child();
    // Not destroyed: the thread may have been holding it.
    ::new (&socket_) std::shared_ptr<AdminSocket>();
    wake_.reset();
  }

  SmallLock lock_;  // over socket_ and running_
  std::shared_ptr<AdminSocket> socket_;
  bool running_ = false;
  InternalDescriptor wake_;
  std::atomic<bool> dump_wanted_{false};
};

/// "QUIT", "SIGQUIT" or "3".
std::optional<int> signal_number(std::string_view name) noexcept {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) return number;
  if (name.substr(0, 3) == "SIG") name.remove_prefix(3);
  for (number = 1; number < NSIG; ++number) {
    const char* abbreviation = sigabbrev_np(number);
    if (abbreviation != nullptr && name == abbreviation) return number;
  }
  return std::nullopt;
}

void log_failure(const char* variable, const char* what) noexcept {
  try {
    log(LogLevel::kError, std::string(variable) + ": " + what);
  } catch (...) {
  }
}

/// When the first scheduler begins.
void inspect_as_environment_asks() noexcept {
  static std::atomic<bool> done{false};
  if (done.exchange(true)) return;
  try {
    if (const char* path = std::getenv(kAdminVariable); path != nullptr) open_admin_socket(path);
  } catch (const std::exception& error) {
    log_failure(kAdminVariable, error.what());
  }
  try {
    const char* name = std::getenv(kSignalVariable);
    if (name == nullptr) return;
    const std::optional<int> signal = signal_number(name);
    if (signal.has_value()) return dump_on_signal(*signal);
    log_failure(kSignalVariable, "no signal has this name");
  } catch (const std::exception& error) {
    log_failure(kSignalVariable, error.what());
  }
}

constinit SchedulerObserver observer{.begun = &inspect_as_environment_asks};

// Programs that ask for nothing have no observer.
[[maybe_unused]] const bool observing = [] {
  if (std::getenv(kAdminVariable) != nullptr || std::getenv(kSignalVariable) != nullptr) {
    observe_schedulers(observer);
  }
  return true;
}();

}  // namespace

void open_admin_socket(const std::string& path) {
  Inspector::instance().open(path);
}

void close_admin_socket() noexcept {
  Inspector::instance().close();
}

void dump_on_signal(int signal) {
  Inspector::instance().dump_on(signal);
}

}  // namespace colibri
