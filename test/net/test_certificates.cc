#include "test/net/test_certificates.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <stdexcept>

#include "test/net/loopback.h"

namespace colibri::test {
namespace {

template <auto release>
struct Releaser {
  template <class Object>
  void operator()(Object* object) const noexcept {
    release(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Releaser<X509_free>>;
using File = std::unique_ptr<BIO, Releaser<BIO_free_all>>;

void require(bool condition) {
  if (!condition) throw std::runtime_error("OpenSSL makes no certificate");
}

Key make_key() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  require(key != nullptr);
  return key;
}

void add_extension(X509& certificate, X509& issuer, int kind, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr);
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// One that nobody has signed yet.
Certificate make_certificate(const std::string& name, EVP_PKEY& key, long from, long to) {
  static long serial = 0;
  Certificate certificate(X509_new());
  require(certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to);
  X509_set_pubkey(certificate.get(), &key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

void sign(X509& certificate, const X509& issuer, EVP_PKEY& key) {
  X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer));
  require(X509_sign(&certificate, &key, EVP_sha256()) != 0);
}

void write_certificate(const std::string& path, X509& certificate) {
  const File file(BIO_new_file(path.c_str(), "w"));
  require(file != nullptr && PEM_write_bio_X509(file.get(), &certificate) == 1);
}

void write_key(const std::string& path, EVP_PKEY& key) {
  const File file(BIO_new_file(path.c_str(), "w"));
  require(file != nullptr &&
          PEM_write_bio_PrivateKey(file.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

}  // namespace

struct TestAuthority::Keys {
  Key key = make_key();
  Certificate certificate = make_certificate(fresh_name(), *key, -3600, 3600);
};

TestAuthority::TestAuthority()
    : folder_(std::filesystem::temp_directory_path() / fresh_name()),
      keys_(std::make_unique<Keys>()) {
  std::filesystem::create_directory(folder_);
  X509& own = *keys_->certificate;
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  sign(own, own, *keys_->key);
  write_certificate(file(), own);
}

TestAuthority::~TestAuthority() {
  std::filesystem::remove_all(folder_);
}

std::string TestAuthority::file() const {
  return folder_ / "authority.pem";
}

std::string TestAuthority::new_path() const {
  return folder_ / (std::to_string(++files_) + ".pem");
}

TlsCertificate TestAuthority::issue(const std::string& name, long seconds) const {
  constexpr long kLongAgo = -1'000'000;
  const Key key = make_key();
  const Certificate certificate =
      make_certificate(name, *key, seconds < 0 ? kLongAgo : -60, seconds);
  in_addr address;
  const bool is_address = inet_pton(AF_INET, name.c_str(), &address) == 1;
  add_extension(*certificate, *keys_->certificate, NID_subject_alt_name,
                (is_address ? "IP:" : "DNS:") + name);
  sign(*certificate, *keys_->certificate, *keys_->key);
  const TlsCertificate files{.chain_file = new_path(), .key_file = new_path()};
  write_certificate(files.chain_file, *certificate);
  write_key(files.key_file, *key);
  return files;
}

std::string TestAuthority::write(const std::string& text) const {
  const std::string path = new_path();
  std::ofstream(path) << text;
  return path;
}

}  // namespace colibri::test
