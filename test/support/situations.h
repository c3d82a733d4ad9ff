// Tables of situations that every call of one kind, on every kind of channel, is put into.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "test/support/channels.h"
#include "test/support/transfers.h"

namespace colibri::test {

/// What happens to a call (a Reader or Writer), and what libc makes of it.
template <class Call>
struct Situation {
  const char* name;
  unsigned channels;  // the kinds of channel on which the outcome is this
  const char* expected;
  void (*act)(Session&, const Call&, const Ends&);
};

/// Adds a case for each channel that the situation is about. `prepare(session, channel, ends)`
/// comes first.
template <class Call, class Prepare>
void add_cases(std::vector<ParityCase>& cases, const Call& call, const Situation<Call>& situation,
               Prepare prepare) {
  for (const Channel& channel : kChannels) {
    if ((situation.channels & channel.kind) == 0) continue;
    if (call.has_flags && channel.kind == kPipeChannel) continue;  // sockets only
    cases.push_back({std::string(channel.name) + "_" + call.name + "_" + situation.name,
                     situation.expected, [&channel, &call, &situation, prepare](Session& session) {
                       const Ends ends = channel.open(session);
                       prepare(session, channel, ends);
                       situation.act(session, call, ends);
                       session.finish_helpers();
                     }});
  }
}

/// Every situation for every call that reads, or only for those with flags.
inline std::vector<ParityCase> reading_cases(std::span<const Situation<Reader>> situations,
                                             bool with_flags_only = false) {
  std::vector<ParityCase> cases;
  for (const Reader& reader : kReaders) {
    if (with_flags_only && !reader.has_flags) continue;
    for (const Situation<Reader>& situation : situations) {
      add_cases(cases, reader, situation, [](Session&, const Channel&, const Ends&) {});
    }
  }
  return cases;
}

}  // namespace colibri::test
