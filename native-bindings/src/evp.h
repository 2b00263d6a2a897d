// The OpenSSL that is in this process already: Node carries one and exports its names, or links the system's. Looked up
// by name at run time, so that the addon needs neither its headers nor a library, and runs without.
#pragma once

#include <cstddef>

struct evp_cipher_st;
struct evp_cipher_ctx_st;
struct evp_md_st;
struct evp_md_ctx_st;

namespace ratatosk {

// As OpenSSL 1.1.0 and 3 declare them.
struct Evp {
  evp_cipher_ctx_st* (*newContext)();
  void (*freeContext)(evp_cipher_ctx_st*);
  const evp_cipher_st* (*chaCha20Poly1305)();
  int (*control)(evp_cipher_ctx_st*, int type, int size, void* argument);
  int (*beginSeal)(evp_cipher_ctx_st*, const evp_cipher_st*, void* engine, const unsigned char* key,
                   const unsigned char* nonce);
  int (*seal)(evp_cipher_ctx_st*, unsigned char* out, int* outSize, const unsigned char* in, int inSize);
  int (*endSeal)(evp_cipher_ctx_st*, unsigned char* out, int* outSize);
  int (*beginOpen)(evp_cipher_ctx_st*, const evp_cipher_st*, void* engine, const unsigned char* key,
                   const unsigned char* nonce);
  int (*open)(evp_cipher_ctx_st*, unsigned char* out, int* outSize, const unsigned char* in, int inSize);
  int (*endOpen)(evp_cipher_ctx_st*, unsigned char* out, int* outSize);
  void (*clearErrors)();
  const char* (*version)(int what);
};

struct EvpDigest {
  evp_md_ctx_st* (*newContext)();
  void (*freeContext)(evp_md_ctx_st*);
  int (*copy)(evp_md_ctx_st* to, const evp_md_ctx_st* from);
  const evp_md_st* (*sha256)();
  int (*begin)(evp_md_ctx_st*, const evp_md_st*, void* engine);
  int (*update)(evp_md_ctx_st*, const void* data, size_t size);
  int (*end)(evp_md_ctx_st*, unsigned char* out, unsigned int* outSize);
};

// False if a name is missing.
bool findEvp(Evp* evp);
bool findEvpDigest(EvpDigest* evp);

}  // namespace ratatosk
