// The load tester as a library: puts a server under load, and says how it answered.
//
//   load_test::Options options;
//   options.port = server_port;
//   options.connections = 50;
//   options.verify = true;
//   const load_test::Result result = load_test::run(options);
//   if (!result.good()) complain(result.complaint());
//
// `options` is not checked: what makes no sense there (a rate without connections) is for the
// caller to leave out.
#pragma once

#include "samples/load_test/options.h"
#include "samples/load_test/result.h"

namespace load_test {

/// Connects, puts the load on, and returns when all is over and closed: after Options::warmup and
/// duration, and up to connect_timeout before and grace behind; sooner if no connection is left, or
/// interrupted() is true. What goes wrong with connections and messages is counted in the result.
///
/// To be called in a plain thread, one at a time in a process; it runs schedulers there and in as
/// many threads more as options ask for. Raises the process's limit of descriptors to the hard one.
/// Throws std::runtime_error with a sentence when the load cannot be started: no such host, too few
/// descriptors, no certificates.
Result run(const Options& options);

}  // namespace load_test
