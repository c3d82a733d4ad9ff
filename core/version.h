/// @file
/// Which colibri this is. The only place that says so: what is built, installed and packaged reads
/// it here (bazel/version.bzl).
#pragma once

/// Of the headers that a program is compiled with, by SemVer; of the libraries' ABI, too:
/// libcolibri.so.0.
#define COLIBRI_VERSION_MAJOR 0
/// Until 1.0.0, each may change interfaces.
#define COLIBRI_VERSION_MINOR 1
/// Interfaces stay as they are.
#define COLIBRI_VERSION_PATCH 0

/// The three in one number that grows, for `#if`: 1.2.3 is 10203.
#define COLIBRI_VERSION \
  (COLIBRI_VERSION_MAJOR * 10000 + COLIBRI_VERSION_MINOR * 100 + COLIBRI_VERSION_PATCH)

namespace colibri {

/// "0.1.0": the version of the library that the program runs with, which may be newer than the
/// headers that it was compiled with. Lives as long as the process; callable everywhere.
const char* version() noexcept;

}  // namespace colibri
