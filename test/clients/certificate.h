// A certificate for servers on 127.0.0.1.
#pragma once

#include <string>

#include "test/clients/server_process.h"

namespace colibri::test {

/// Signed by itself, valid for the address and for localhost: who trusts the file trusts the
/// server.
struct Certificate {
  std::string certificate;  // paths of PEM files
  std::string key;
};

/// Makes one in a folder, by the program openssl.
inline Certificate make_certificate(const TemporaryFolder& folder) {
  const Certificate made{folder.path("certificate.pem"), folder.path("key.pem")};
  run_to_end(folder, {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=localhost", "-addext",
                      "subjectAltName=IP:127.0.0.1,DNS:localhost", "-days", "2", "-keyout",
                      made.key, "-out", made.certificate});
  return made;
}

}  // namespace colibri::test
