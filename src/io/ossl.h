/*
 * ossl.h - OpenSSL's headers, for the files that speak to it directly.
 *
 * OpenSSL's types.h has a typedef ERR_STATE, which is also a name of ours
 * (base/err.h). It is renamed while its headers are read; nobody uses it.
 */
#ifndef IO_OSSL_H
#define IO_OSSL_H

#define ERR_STATE ossl_err_state
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#endif
