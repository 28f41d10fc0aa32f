#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace tapmeter::test_support {

// PEM files in a folder that ends with the object: an authority; a collector (collector.test,
// 127.0.0.1) and an exporter of its; and a stranger, who is an authority to nobody. NAME.pem has
// the certificate, NAME.key its key.
class Certificates {
public:
    Certificates() {
        std::string folder =
            (std::filesystem::temp_directory_path() / "tapmeter_tls_XXXXXX").string();
        folder_ = ::mkdtemp(folder.data());
        const Identity authority("authority", true);
        const Identity stranger("stranger", true);
        write("authority", authority, authority);
        write("stranger", stranger, stranger);
        write("collector", Identity("collector", false), authority);
        write("exporter", Identity("exporter", false), authority);
    }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;
    ~Certificates() { std::filesystem::remove_all(folder_); }

    std::string pem(const std::string& name) const { return folder_ / (name + ".pem"); }
    std::string key(const std::string& name) const { return folder_ / (name + ".key"); }

private:
    struct Identity {
        gnutls_x509_crt_t certificate = nullptr;
        gnutls_x509_privkey_t key = nullptr;

        Identity(const std::string& name, bool authority) {
            must(gnutls_x509_privkey_init(&key));
            must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
            must(gnutls_x509_crt_init(&certificate));
            must(gnutls_x509_crt_set_version(certificate, 3));
            must(gnutls_x509_crt_set_serial(certificate, name.data(), name.size()));
            const std::time_t now = std::time(nullptr);
            must(gnutls_x509_crt_set_activation_time(certificate, now - 3'600));
            must(gnutls_x509_crt_set_expiration_time(certificate, now + 3'600));
            must(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                               name.data(), static_cast<unsigned>(name.size())));
            must(gnutls_x509_crt_set_key(certificate, key));
            must(gnutls_x509_crt_set_basic_constraints(certificate, authority ? 1 : 0, -1));
            must(gnutls_x509_crt_set_key_usage(
                certificate, authority ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE));
            const std::string host = name + ".test";
            must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, host.data(),
                                                      static_cast<unsigned>(host.size()),
                                                      GNUTLS_FSAN_SET));
            const std::string loopback("\x7f\0\0\x01", 4);
            must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS,
                                                      loopback.data(), 4, GNUTLS_FSAN_APPEND));
        }
        Identity(const Identity&) = delete;
        Identity& operator=(const Identity&) = delete;
        ~Identity() {
            gnutls_x509_crt_deinit(certificate);
            gnutls_x509_privkey_deinit(key);
        }
    };

    static void must(int error) {
        if (error < 0) {
            std::abort();  // a test without its certificates tests nothing
        }
    }

    void write(const std::string& name, const Identity& whose, const Identity& signer) const {
        must(gnutls_x509_crt_sign2(whose.certificate, signer.certificate, signer.key,
                                   GNUTLS_DIG_SHA256, 0));
        gnutls_datum_t text{};
        must(gnutls_x509_crt_export2(whose.certificate, GNUTLS_X509_FMT_PEM, &text));
        put(pem(name), text);
        must(gnutls_x509_privkey_export2(whose.key, GNUTLS_X509_FMT_PEM, &text));
        put(key(name), text);
    }
    static void put(const std::string& file, gnutls_datum_t& text) {
        std::ofstream(file).write(reinterpret_cast<const char*>(text.data), text.size);
        gnutls_free(text.data);
    }

    std::filesystem::path folder_;
};

}  // namespace tapmeter::test_support
