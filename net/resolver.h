// Resolver: the addresses of hosts, looked up once for all who ask.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "colibri/core/deadline.h"
#include "colibri/net/address.h"

namespace colibri {

/// Errors of name resolution: EAI_NONAME and its kind, as getaddrinfo returns them.
const std::error_category& name_category() noexcept;

/// What came of looking up a host.
struct NameAnswer {
  int error = 0;                     // 0, or EAI_…
  int system_error = 0;              // errno, for EAI_SYSTEM
  std::vector<Address> addresses{};  // with port 0, in the order in which to try them
};

/// How long answers are kept. getaddrinfo does not tell how long a name server vouches for its
/// answer, so these hold for all.
struct ResolverOptions {
  /// An answer is given again for so long, without asking.
  std::chrono::nanoseconds fresh_for = std::chrono::seconds(30);
  /// And for so long if asking again fails for the time being, as when the name server is away.
  std::chrono::nanoseconds usable_for = std::chrono::minutes(5);
  /// That a host is not known, or that nobody could be asked.
  std::chrono::nanoseconds failures_for = std::chrono::seconds(2);
  /// Names kept; what is the oldest goes.
  std::size_t most_names = 1000;
  /// Who is asked. Called on helper threads, on several at once; must not throw. Empty:
  /// getaddrinfo, and so /etc/hosts, DNS and whatever else nsswitch.conf names.
  std::function<NameAnswer(const std::string& host)> look_up{};
};

/// Looks hosts up, on helper threads, and remembers. Who asks for a host that is being looked up
/// waits for that answer. A handle: copies share what they remember. Any coroutine of any scheduler
/// and any plain thread.
class Resolver {
 public:
  /// Remembers nothing yet.
  explicit Resolver(ResolverOptions options = {});

  /// The addresses of `host`, with this port; at least one. A text that is an address is taken as
  /// it is. Parks the coroutine meanwhile.
  ///
  /// Throws std::system_error: of name_category() if there is no address; timed_out when the
  /// deadline or a TimeLimit is over, while the lookup goes on for those who ask later;
  /// resource_unavailable_try_again when too many lookups wait for a helper. Throws Canceled.
  std::vector<Address> resolve(std::string_view host, std::uint16_t port,
                               Deadline deadline = Deadline::never()) const;

  /// Asks anew next time.
  void forget(std::string_view host) const;

 private:
  struct State;
  friend class NameLookup;
  std::shared_ptr<State> state_;
};

}  // namespace colibri
